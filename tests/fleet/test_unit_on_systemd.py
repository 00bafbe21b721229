"""The units that ship, under a systemd that is the first process of its machine.

`systemd-analyze` takes a unit whose program is killed by its filter of system calls: only who
starts it sees that.
"""

import json
import sys
from pathlib import Path

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.relay.brokers import wait_until

WINGSPAN = str(Path(sys.executable).with_name("wingspan"))
USER = "daemon"
RECONCILE, RELAY = "wingspan-reconcile.service", "wingspan-relay.service"
# Where this checkout and its Python are, which the machine does not have itself.
PLACES = {Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2]}


class Host:
    """A machine that wingspan is installed on, and its systemd."""

    def __init__(self, lab):
        self.lab, (self.device,) = lab, lab.devices

    def does(self, *words):
        return self.lab.rehearsal.on(self.device, words)

    def wingspan(self, folder, *words):
        """Run a command as root does, in the name of whom the services are."""
        who = f"WINGSPAN_OPERATOR={USER}"
        return self.does("env", who, WINGSPAN, "-C", folder, "fleet", *words)

    def begin(self, unit):
        """Install a unit and start it, for the user that owns its folder."""
        self.does("systemctl", "daemon-reload")
        self.does("systemctl", "start", unit)

    def state(self, unit):
        """Return whether a service is active, how often it was begun anew, and how it ended."""
        names = ("ActiveState", "NRestarts", "Result")
        shown = self.does("systemctl", "show", "--property", ",".join(names), unit)
        said = dict(line.split("=", 1) for line in shown.splitlines())
        return tuple(said[name] for name in names)

    def journal(self, unit):
        return self.does("journalctl", "--no-pager", "--unit", unit)


@pytest.fixture(scope="module")
def host(start_lab, tmp_path_factory):
    lab = start_lab(devices=1, prisons=1, systemd=1)
    host = Host(lab)
    shows = tmp_path_factory.mktemp("bin")
    places = [str(place) for place in sorted(PLACES) if place != Path("/usr")]
    more = " ".join(f"--bind-ro={place}" for place in places)
    nspawn = shows / "systemd-nspawn"
    nspawn.write_text(f'#!/bin/sh\nexec /usr/bin/systemd-nspawn {more} "$@"\n')
    nspawn.chmod(0o755)
    with lab.fault("power-off", host.device.serial):
        settings = lab.rehearsal.folder(host.device) / "settings"
        settings.write_text(f"{settings.read_text()}PATH={shows}:$PATH\n")
    assert lab.answering([host.device])
    # A service sees neither homes nor /tmp, where a checkout or its Python may be.
    for unit in (RECONCILE, RELAY):
        folder = lab.rehearsal.root(host.device) / f"etc/systemd/system/{unit}.d"
        folder.mkdir()
        shown = f"[Service]\nBindReadOnlyPaths={' '.join(places)}\n"
        (folder / "checkout.conf").write_text(shown)
    yield host
    down(lab.workspace)


def test_the_service_that_reconciles_makes_its_passes_and_ends_when_told(host):
    host.wingspan("/srv/centre", "init")
    host.does("chown", "-R", USER, "/srv/centre")
    unit = host.wingspan("/srv/centre", "reconcile", "--unit", "--every", "1")
    root = host.lab.rehearsal.root(host.device)
    (root / "etc/systemd/system" / RECONCILE).write_text(unit)

    host.begin(RECONCILE)
    wait_until(lambda: host.journal(RECONCILE).count("0 proven") > 1, "it makes two passes")
    running = host.state(RECONCILE)
    host.does("systemctl", "stop", RECONCILE)

    assert running == ("active", "0", "success")
    assert host.state(RECONCILE) == ("inactive", "0", "success")
    *_, last = (root / "srv/centre/audit.jsonl").read_text().splitlines()
    assert (json.loads(last)["action"], json.loads(last)["outcome"]) == ("fleet reconcile", "done")


def test_the_relay_goes_on_without_its_broker_and_ends_when_told(host):
    host.wingspan("/srv/headquarters", "init")
    made = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=broker"]
    host.does(*made, "-keyout", "/srv/broker.key", "-out", "/srv/broker.pem")
    where = ["--broker", "rediss://relay-XAA@127.0.0.1:6380", "--broker-authority"]
    trust = ["--trust", "/srv/headquarters/keys/trust.pub", "--user", USER]
    host.wingspan("/srv/relay", "relay", "install", "XAA", *where, "/srv/broker.pem", *trust)
    root = host.lab.rehearsal.root(host.device)
    (root / "srv/relay/keys/broker_password").write_text("x")
    (root / "srv/relay/keys/broker_password").chmod(0o600)
    host.does("chown", "-R", USER, "/srv/relay")
    host.does("systemctl", "link", f"/srv/relay/{RELAY}")

    host.begin(RELAY)

    def spoken():
        shown = json.loads(host.wingspan("/srv/relay", "relay", "status", "--json"))
        return shown["relays"][0]["spoken_at"]

    wait_until(spoken, "it has been at its devices, of which there are none")
    running = host.state(RELAY)
    said = host.journal(RELAY)
    host.does("systemctl", "stop", RELAY)

    assert running == ("active", "0", "success"), said
    assert host.state(RELAY) == ("inactive", "0", "success")
