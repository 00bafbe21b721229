import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet.errors import InputError
from fleet.rehearsal.lab import down
from fleet.rehearsal.machine import until
from fleet.transport import Lab, read_lab, transport_of
from fleet.workspace import Workspace
from wingspan import main

LAB_DEVICES = 24
WINGSPAN = Path(sys.executable).with_name("wingspan")


def wingspan(workspace, *words):
    """Run a command of the fleet and return its result."""
    return CliRunner().invoke(main, ["-C", str(workspace.root), "fleet", "rehearse", *words])


def test_every_device_is_reached_by_ssh_under_its_own_name_and_key(lab):
    for device in lab.devices[::8]:
        assert lab.ssh(device, "hostname") == f"{device.name}\n"


def test_the_list_of_devices_names_the_key_that_each_shows(lab):
    with lab.workspace.devices_csv.open(encoding="utf-8") as listing:
        rows = {row["serial"]: row for row in csv.DictReader(listing)}

    assert list(rows) == [device.serial for device in lab.devices]
    for device in lab.devices[::8]:
        row = rows[device.serial]
        assert row["location_key"] == device.cell.cell
        assert (
            lab.ssh(device, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub").strip()
            == (row["host_key"])
        )


def test_a_device_sees_its_own_processes_files_and_network_only(lab):
    device = lab.devices[0]

    assert "rehearsal-init" in lab.ssh(device, "ps -o args= -p 1")
    assert str(lab.workspace.root.resolve()) not in lab.ssh(device, "cat /proc/self/mountinfo")
    links = lab.ssh(device, "ip -brief link | cut -d' ' -f1").split()
    assert sorted(link.partition("@")[0] for link in links) == ["eth0", "lo"]


@pytest.mark.parametrize("command", ["date -s 2001-01-01", "mknod /tmp/disk b 7 0"])
def test_root_on_a_device_cannot_touch_this_machine(lab, command):
    with pytest.raises(subprocess.CalledProcessError):
        lab.ssh(lab.devices[0], command)


def test_what_one_device_writes_no_other_sees(lab):
    first, second = lab.devices[:2]
    lab.ssh(first, "echo mine >/etc/motto")

    assert lab.ssh(first, "cat /etc/motto") == "mine\n"
    assert lab.ssh(second, "ls /etc/motto 2>&1 || :").endswith("No such file or directory\n")


def test_devices_have_the_programs_that_playbooks_use(lab):
    wanted = "python3 -c 'import apt, json, ssl'; nft list ruleset; dpkg --audit; id -u wingspan"

    assert lab.ssh(lab.devices[0], f"set -e; {wanted}") == "1000\n"


def test_a_device_reboots_with_its_files_and_without_its_firewall_rules(lab):
    device = lab.devices[3]
    lab.ssh(device, "echo kept >/root/note; nft add table inet gone; sync")
    with pytest.raises(subprocess.CalledProcessError):
        lab.ssh(device, "reboot -f; sleep 60")

    assert lab.answering([device]) == {device.serial}
    assert lab.ssh(device, "cat /root/note; nft list ruleset") == "kept\n"


def test_facts_that_stand_for_hardware_are_where_the_device_is_told(lab):
    device = lab.devices[0]

    told = lab.ssh(device, 'cd "$(cat /etc/wingspan/sysroot)" && cat kiosk/state wlan/signal_dbm')

    assert told.split() == ["running", f"{device.cell.signal_dbm:.0f}"]


def test_up_again_changes_nothing_and_another_size_is_refused(lab):
    before = lab.workspace.devices_csv.read_bytes()
    again = wingspan(lab.workspace, "up", "--devices", str(LAB_DEVICES), "--prisons", "2", "--json")
    other = wingspan(lab.workspace, "up", "--devices", "5")

    assert again.exit_code == 0, again.output
    answer = json.loads(again.stdout)
    assert (answer["started"], answer["answering"]) == (False, LAB_DEVICES)
    assert lab.workspace.devices_csv.read_bytes() == before
    assert other.exit_code == 3
    assert f"a rehearsal of {LAB_DEVICES} devices is up" in other.stderr


def test_status_shows_every_device(lab):
    answer = json.loads(wingspan(lab.workspace, "status", "--json").stdout)

    assert answer["up"]
    assert [device["serial"] for device in answer["devices"]] == [d.serial for d in lab.devices]
    assert all(device["answers"] for device in answer["devices"])


def test_commands_run_in_the_network_of_the_rehearsal(lab):
    transport = transport_of(lab.workspace)
    command = transport.command(["ip", "-brief", "link"])
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert isinstance(transport, Lab)
    assert "wan1" in shown


def test_this_machines_own_network_stays_as_it_was(lab):
    command = [shutil.which("ip"), "link"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert lab.devices[0].port not in shown
    assert "wan1" not in shown


def test_down_ends_every_process_and_twice_is_no_fault(new_lab):
    small = new_lab(devices=2)
    pid = small.rehearsal.lab.pid
    spaces = {Path(f"/proc/{pid}/ns/{kind}").readlink() for kind in ("pid", "net", "mnt")}
    first, second = wingspan(small.workspace, "down"), wingspan(small.workspace, "down")

    assert (first.exit_code, first.stdout) == (0, "the rehearsal is down\n")
    assert (second.exit_code, second.stdout) == (0, "no rehearsal is up, nothing to do\n")
    left = [
        link
        for link in Path("/proc").glob("[0-9]*/ns/*")
        if link.name in {"pid", "net", "mnt"} and _space(link) in spaces
    ]
    assert not left
    # The addresses of the rehearsal are somebody else's in a real network.
    with pytest.raises(InputError, match="have ended"):
        transport_of(small.workspace)


def test_a_rehearsal_ends_by_itself(new_lab):
    small = new_lab(devices=1, hours=40 / 3600)

    small.wait_until(lambda: not small.rehearsal.lab.lives)


def test_devices_with_systemd_boot_where_control_groups_are_of_version_2_alone(
    bootstrap_key, tmp_path
):
    workspace = Workspace(tmp_path / "workspace")
    workspace.keys.mkdir(parents=True)
    bootstrap_key(workspace)
    command = [sys.executable, "-m", "wingspan", "-C", str(workspace.root), "fleet", "rehearse"]
    only_v2 = 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", only_v2, "sh"]
    up = [*inside, *command, "up", "--devices", "1", "--systemd", "1", "--json"]
    try:
        done = subprocess.run(up, check=False, capture_output=True, text=True)
        assert (done.returncode, json.loads(done.stdout)["answering"]) == (0, 1), done.stderr
    finally:
        down(workspace)


def test_down_ends_what_a_killed_up_has_left(new_lab, tmp_path, bootstrap_key):
    new_lab(devices=1)  # Where this machine cannot rehearse, the test ends here.
    workspace = Workspace(tmp_path)
    bootstrap_key(workspace)
    command = [WINGSPAN, "-C", tmp_path, "fleet", "rehearse", "up", "--devices", "50"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as killed:
        until((workspace.lab / "transport.json").exists, "up does not begin")
        killed.kill()
    lab = read_lab(workspace)
    ended = wingspan(workspace, "down", "--json")

    assert lab is not None
    assert json.loads(ended.stdout)["ended"]
    assert not lab.lives


def test_a_dead_rehearsal_is_never_taken_for_another_process():
    own = Path("/proc/self").resolve().name

    assert not Lab(pid=int(own), started=1).lives


def test_up_asks_for_the_keys_first(tmp_path):
    result = wingspan(Workspace(tmp_path), "up")

    assert result.exit_code == 3
    assert "fleet init" in result.stderr
    assert not (tmp_path / "inputs").exists()


def test_a_list_of_real_devices_is_not_written_over(tmp_path, bootstrap_key):
    workspace = Workspace(tmp_path)
    bootstrap_key(workspace)
    workspace.devices_csv.parent.mkdir()
    workspace.devices_csv.write_text("serial,host_key\nR52K,ssh-ed25519 AAAA\n", encoding="utf-8")
    result = wingspan(workspace, "up")

    assert result.exit_code == 3
    assert "lists devices that are not of a rehearsal" in result.stderr
    assert "R52K" in workspace.devices_csv.read_text(encoding="utf-8")


def test_without_root_the_command_says_so(tmp_path, bootstrap_key):
    bootstrap_key(Workspace(tmp_path))
    code = "import os, wingspan; os.geteuid = lambda: 1000; wingspan.main()"
    command = [sys.executable, "-c", code, "-C", str(tmp_path), "fleet", "rehearse", "up"]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)

    assert finished.returncode == 3
    assert "you are not root; run it with sudo" in finished.stderr


def _space(link):
    try:
        return link.readlink()
    except OSError:
        return None
