"""The program on the device, run on roots made for it and on the real nftables."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).parents[2] / "playbooks" / "files"
PROGRAM = FILES / "wingspan_device.py"

ROOT_FILES = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "etc/debian_version": "12.11\n",
    "var/lib/wingspan/version": "2026.11\n",
    "var/lib/wingspan/provisioning.json": '{"device": "WS-000123", "nonce": "c0ffee"}',
    "proc/1/stat": "1 (init (it)) S " + " ".join(["0"] * 18) + f" {100 * os.sysconf('SC_CLK_TCK')}",
    "proc/uptime": "160.5 0.0\n",
    "proc/loadavg": "0.25 0.1 0.0 1/9 9\n",
    "proc/meminfo": "MemTotal: 4000 kB\nMemFree: 1 kB\nMemAvailable: 1000 kB\n",
}
SIMULATED = {
    "etc/wingspan/sysroot": "/run/wingspan/simulated\n",
    "run/wingspan/simulated/sys/class/power_supply/BAT0/capacity": "81\n",
    "run/wingspan/simulated/sys/class/power_supply/BAT0/status": "Discharging\n",
    "run/wingspan/simulated/kiosk/state": "running\n",
    "run/wingspan/simulated/wlan/signal_dbm": "-57\n",
    "run/wingspan/simulated/wlan/bssid": "02:00:00:00:00:01\n",
}
RULES = """
table inet guard {
  set gathered { type ipv4_addr; flags timeout; }
  chain input {
    type filter hook input priority 0; policy drop;
    tcp dport 22 counter accept
  }
}
"""


@pytest.fixture(scope="module")
def device():
    """Return the program as a module."""
    spec = importlib.util.spec_from_file_location("wingspan_device", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path):
    """Return a function that makes the root file system of a device."""

    def make(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return str(tmp_path)

    return make


def broker(asked):
    """Run the program as sshd would for a client that asked for something."""
    command = [sys.executable, PROGRAM, "broker"]
    environment = {"SSH_ORIGINAL_COMMAND": asked}
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True)


def listed(*commands):
    """Return nft's listing in a network of its own, after some commands."""
    script = "".join(f"nft {command}\n" for command in commands) + "nft -s -j list ruleset"
    command = ["unshare", "--map-root-user", "--net", "sh", "-ec", script]
    return subprocess.run(command, check=True, capture_output=True, input=RULES.encode()).stdout


def test_a_probe_tells_of_a_device_what_its_files_say(device, root):
    found = device.facts(root(ROOT_FILES))

    assert {name: found[name] for name in ("device", "nonce", "os", "version", "uptime_s")} == {
        "device": "WS-000123",
        "nonce": "c0ffee",
        "os": "debian 12.11",
        "version": "2026.11",
        "uptime_s": 60,  # The kernel is up for 160 s; the first process began at 100 s.
    }
    assert (found["load_1m"], found["memory_free_percent"]) == (0.25, 25.0)
    assert 0 <= found["disk_free_percent"] <= 100


def test_what_a_rehearsal_stands_in_for_is_marked(device, root):
    found = device.facts(root(ROOT_FILES | SIMULATED))

    assert found["simulated"] == [
        "battery_percent",
        "battery_status",
        "bssid",
        "kiosk",
        "signal_dbm",
    ]
    assert (found["battery_percent"], found["battery_status"]) == (81, "discharging")
    assert (found["signal_dbm"], found["bssid"]) == (-57.0, "02:00:00:00:00:01")


def test_what_cannot_be_read_is_named_and_costs_nothing_else(device, root):
    files = ROOT_FILES | SIMULATED
    del files["run/wingspan/simulated/sys/class/power_supply/BAT0/capacity"]
    files["run/wingspan/simulated/sys/class/power_supply/BAT0/other"] = ""
    found = device.facts(root(files))

    assert "ValueError" in found["unread"]["battery"]
    assert "battery_percent" not in found
    assert found["kiosk"] == "running"


def test_a_real_batterys_folder_is_found_by_its_type(device, root):
    files = {"AC/type": "Mains\n", "axp288/type": "Battery\n", "axp288/capacity": "7\n"}
    place = root({f"sys/class/power_supply/{name}": text for name, text in files.items()})

    assert device.battery(place)["battery_percent"] == 7


def test_signal_and_access_point_are_read_from_iw(device):
    shown = "Connected to 02:ab:cd:00:00:01 (on wlan0)\n\tSSID: cell\n\tsignal: -61 dBm\n"

    assert device.link(shown) == {"bssid": "02:ab:cd:00:00:01", "signal_dbm": -61.0}
    assert device.link("Not connected.\n") == {}


@pytest.mark.parametrize(
    "later",
    [
        ["flush ruleset", "-f -"],
        ["-f -", "add element inet guard gathered '{ 192.0.2.7 timeout 1h }'"],
        ["add table inet gone", "delete table inet gone", "-f -"],
    ],
    ids=["loaded twice", "a set has gathered", "other handles"],
)
def test_the_rulesets_hash_is_that_of_its_rules_alone(device, later):
    assert device.canonical_ruleset(listed(*later)) == device.canonical_ruleset(listed("-f -"))


def test_a_rule_opened_by_hand_changes_the_rulesets_hash(device):
    opened = listed("-f -", "add rule inet guard input tcp dport 80 accept")

    assert device.canonical_ruleset(opened) != device.canonical_ruleset(listed("-f -"))


def test_the_broker_answers_a_probe():
    answer = broker("probe")

    assert answer.returncode == 0
    assert json.loads(answer.stdout)["schema"] == 1


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "id",
        "probe;id",
        "probe id",
        "probe\n",
        " probe",
        "broker",
        "$(id)",
        "probe|id",
    ],
)
def test_the_broker_refuses_anything_else_and_names_it(asked):
    answer = broker(asked)

    assert (answer.returncode, answer.stdout) == (77, "")
    assert answer.stderr == f"refused: {asked!a} is none of probe, trust, order, prove\n"


def test_the_user_may_do_as_root_what_the_program_asks_for_and_no_more(device):
    rules = (FILES / "wingspan.sudoers").read_text(encoding="utf-8")
    allowed = re.findall(r"^wingspan ALL=\(root\) NOPASSWD: (.*)$", rules, re.MULTILINE)

    asked = (device.READ_RULESET, device.TAKE_TRUST, device.TAKE_ORDER, device.PROVE)
    assert allowed == [" ".join(words) for words in asked]
    assert not re.search(r"[*?\[]", "".join(allowed))


def test_a_device_whose_next_boot_leads_to_a_lock_is_locked(device, tmp_path):
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "default.target").symlink_to("/etc/systemd/system/wingspan-relay-only.target")

    assert device.kiosk(str(tmp_path)) == {"kiosk": "locked"}
