"""Lists of names and tiers on enrolled devices of a rehearsal, with a resolver and a world outside.

The relay's resolver is a dnsmasq on the prison's router; outside are two servers of one machine.
"""

import json

import pytest

from fleet.rehearsal.lab import down
from fleet.rehearsal.root import shared_root
from tests.fleet.cli.office import open_office
from tests.fleet.cli.test_lockdown_on_systemd import KIOSK

# In the lab's own range, where no prison is; and one of a prison's own network.
LEARN, OTHER, INSIDE = "198.19.255.7", "198.19.255.9", "10.0.0.5"
NAMES = {"learn.example": LEARN, "other.example": OTHER, "inside.example": INSIDE}
BY_NAME = {"host": "learn.example", "protocol": "tcp", "port": 443}
BY_ADDRESS = {"network": f"{OTHER}/32", "protocol": "tcp", "port": 443}
# What a resident's program does: it has no rights, and asks whatever the device would ask.
REACHES = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 443), 20).close()
    print("open")
except OSError as fault:
    print(type(fault).__name__)
"""
ASKS = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
try:
    s.sendto(bytes.fromhex("00010100000100000000000005" + b"other".hex() + "07" + b"example".hex()
        + "0000010001"), (sys.argv[1], 53))
    print(len(s.recv(512)) > 0)
except OSError as fault:
    print(type(fault).__name__)
"""


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=4, prisons=2, systemd=1)
    try:
        made = open_office(lab, tmp_path_factory.mktemp("people"))
        for address in (LEARN, OTHER, INSIDE):
            serve_outside(lab, address)
        for site in lab.rehearsal.layout.sites:
            resolve(lab, site)
        for device in lab.devices:
            lead_to_relay(lab, device)
        show_a_kiosk(made, lab.devices[0])
        yield made
    finally:
        down(lab.workspace)


def show_a_kiosk(office, device):
    """Have a device with systemd run what a resident sees: nothing is proven without it."""
    units = office.lab.rehearsal.root(device) / "etc/systemd/system"
    (units / "wingspan-kiosk.service").write_text(KIOSK)
    office.inside(device, "systemctl", "daemon-reload")
    office.inside(device, "systemctl", "enable", "--now", "wingspan-kiosk.service")


def serve_outside(lab, address):
    """Have something answer at an address beyond the prisons."""
    served = f"setsid python3 -m http.server 443 --bind {address} >/dev/null 2>&1 </dev/null &"
    script = f"ip link set lo up; ip addr add {address}/32 dev lo; cd /mnt; {served}"
    lab.rehearsal.machine.run(["sh", "-c", script])


def resolve(lab, site):
    """Have a prison's router resolve names, as its relay would."""
    known = [f"--address=/{name}/{address}" for name, address in NAMES.items()]
    here = ["--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={site.gateway.ip}"]
    # The devices have it, and this machine need not; it leaves no file behind in their root.
    words = ["chroot", str(shared_root(print)), "/usr/sbin/dnsmasq", "--conf-file=/dev/null"]
    words += ["--pid-file", "--user=root", *here, *known]
    lab.rehearsal.machine.run(words, network_of=lab.rehearsal.router(site.number))


def lead_to_relay(lab, device):
    """Let a device reach the resolver of its prison, as its baseline would."""
    relay = str(device.site.gateway.ip)
    ways = [{"network": relay, "protocol": kind, "port": 53} for kind in ("tcp", "udp")]
    script = f"echo '{json.dumps({'relay': ways})}' | /usr/local/lib/wingspan/wingspan_firewall.py"
    lab.rehearsal.on(device, ["sh", "-c", script])


def resident(office, name, program, *words):
    """Return what a program of somebody without rights writes on a device."""
    command = ("runuser", "-u", "nobody", "--", "python3", "-c", program, *words)
    return office.inside(office.lab_device(name), *command).strip()


def allow(office, name, ways, folder):
    """Ask for a list of a device, have it agreed to, and carry it out; return what it showed."""
    path = folder / "list.json"
    path.write_text(json.dumps(ways))
    _, asked = office.answer("ben", "allowlist", f"device:{name}", "--file", str(path), "--yes")
    if asked["approvals_missing"]:
        office.types("cleo", "approve", asked["request"])
    _, done = office.answer("ben", "reconcile", "--once")
    proven = asked.get("proven", []) + done["proven"]
    assert [one["device"] for one in proven] == [name], (asked, done)


@pytest.mark.parametrize("number", [0, 1], ids=["systemd", "plain"])
def test_a_listed_name_leads_where_the_resolver_says_and_no_other_leads_anywhere(
    office, tmp_path, number
):
    name = office.names()[number]

    allow(office, name, [BY_NAME], tmp_path)

    assert resident(office, name, REACHES, "learn.example") == "open"
    assert resident(office, name, REACHES, "lesson.learn.example") == "open"
    assert resident(office, name, REACHES, "other.example") == "gaierror"
    assert resident(office, name, REACHES, OTHER) != "open"
    # Nobody but the device's own resolver asks the relay's: names carry nothing out.
    relay = str(office.lab_device(name).site.gateway.ip)
    assert resident(office, name, ASKS, relay) != "True"
    # Addresses that were found are not drift.
    _, health = office.answer("ben", "health", f"device:{name}")
    assert health["devices"][0]["status"] == "ok", health


def test_a_lock_shuts_the_names_too_and_its_end_opens_them_again(office, tmp_path):
    name = office.names()[1]
    scope = f"device:{name}"
    allow(office, name, [BY_NAME], tmp_path)

    _, locked = office.answer("ben", "lock", scope, "--level", "relay-only", "--yes")
    shut = resident(office, name, REACHES, "learn.example")
    by_address = resident(office, name, REACHES, LEARN)
    _, asked = office.answer("ben", "unlock", scope, "--lock", locked["request"], "--yes")
    office.types("cleo", "approve", asked["request"])
    _, done = office.answer("ben", "reconcile", "--once")

    assert [one["device"] for one in done["proven"]] == [name]
    assert (shut, by_address != "open") == ("gaierror", True)
    assert resident(office, name, REACHES, "learn.example") == "open"


@pytest.mark.parametrize("number", [0, 1], ids=["systemd", "plain"])
def test_names_are_in_force_again_after_a_reboot(office, tmp_path, number):
    name = office.names()[number]
    device = office.lab_device(name)
    allow(office, name, [BY_NAME], tmp_path)

    office.types("asha", "rehearse", "power-off", device.serial)
    office.types("asha", "rehearse", "restore", device.serial)
    office.lab.answering([device])

    assert resident(office, name, REACHES, "learn.example") == "open"
    assert resident(office, name, REACHES, "other.example") == "gaierror"


def test_a_name_that_left_the_list_leads_nowhere(office, tmp_path):
    name = office.names()[1]
    allow(office, name, [BY_NAME, BY_ADDRESS], tmp_path)
    before = resident(office, name, REACHES, "learn.example")

    allow(office, name, [BY_ADDRESS], tmp_path)

    assert before == "open"
    assert resident(office, name, REACHES, "learn.example") != "open"
    assert resident(office, name, REACHES, LEARN) != "open"
    assert resident(office, name, REACHES, OTHER) == "open"


def test_a_name_leads_into_the_prison_s_own_network_only_where_that_is_listed(office, tmp_path):
    name = office.names()[1]
    by_name = {**BY_NAME, "host": "inside.example"}

    allow(office, name, [by_name], tmp_path)
    alone = resident(office, name, REACHES, "inside.example")
    allow(office, name, [by_name, {**BY_ADDRESS, "network": f"{INSIDE}/32"}], tmp_path)

    assert alone != "open"
    assert resident(office, name, REACHES, "inside.example") == "open"


def test_names_are_refused_where_no_way_leads_to_a_resolver(office, tmp_path):
    name = office.names()[3]
    script = "echo '{\"relay\": []}' | /usr/local/lib/wingspan/wingspan_firewall.py"
    office.inside(office.lab_device(name), "sh", "-c", script)
    path = tmp_path / "list.json"
    path.write_text(json.dumps([BY_NAME]))
    _, asked = office.answer("ben", "allowlist", f"device:{name}", "--file", str(path), "--yes")
    office.types("cleo", "approve", asked["request"])

    code, done = office.answer("ben", "reconcile", "--once")

    assert code == 5
    assert "names need a way to the relay's resolver" in done["failed"][0]["why"]
    lead_to_relay(office.lab, office.lab_device(name))


@pytest.fixture
def compiled(office):
    """Have lists of two prisons that share one way, as the estate half compiles them."""
    shared = {"network": "203.0.113.64/28", "protocol": "tcp", "port": 443}
    ways = {"XAA": [BY_ADDRESS, shared], "XAB": [BY_NAME, shared]}
    terms = {"tier": "standard", "expires_on": "2999-12-31"}
    content = {
        "schema": 1,
        "lists": [{"prison": p, "ways": each, **terms} for p, each in ways.items()],
        "places": [{"place": "estate", "tier": "standard"}],
    }
    path = office.lab.workspace.allowlists
    path.write_text(json.dumps(content))
    yield path
    path.unlink()


def cell_in(office, prison):
    return next(d.cell.cell for d in office.lab.devices if d.cell.cell.startswith(prison))


def test_a_move_takes_ways_away_at_once_and_gives_new_ones_when_two_agreed(office, compiled):
    name = office.names()[1]
    scope = f"device:{name}"
    words = ("allowlist", scope, "--file", str(compiled), "--yes")
    _, asked = office.answer("ben", *words)
    office.types("cleo", "approve", asked["request"])
    office.types("ben", "reconcile", "--once")
    assert resident(office, name, REACHES, OTHER) == "open"

    code, moved = office.answer("ben", "move", name, cell_in(office, "XAB"))

    assert (code, moved["tier"]) == (0, "standard")
    assert [one["intent"] for one in moved["proven"]] == moved["requests"][:1]
    assert len(moved["approvals_missing"]) == 1
    assert resident(office, name, REACHES, OTHER) != "open"
    rules = office.inside(office.lab_device(name), "nft", "list", "ruleset")
    assert "203.0.113.64/28" in rules
    office.types("cleo", "approve", moved["requests"][1])
    _, done = office.answer("ben", "reconcile", "--once")
    assert [one["intent"] for one in done["proven"]] == moved["requests"][1:]
    assert resident(office, name, REACHES, "learn.example") == "open"
    office.answer("ben", "move", name, cell_in(office, "XAA"))


@pytest.mark.usefixtures("compiled")
def test_a_move_that_nobody_here_can_sign_changes_nothing(office, monkeypatch):
    name = office.names()[2]
    before = office.answer("asha", "show", name)[1]["cell"]
    monkeypatch.delitem(office.keys, "asha")

    result = office.types("asha", "move", name, cell_in(office, "XAA"))

    assert result.exit_code == 6
    assert "has to be signed" in result.stderr
    assert office.answer("asha", "show", name)[1]["cell"] == before
