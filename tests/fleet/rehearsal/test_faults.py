import json
import subprocess

import pytest
from click.testing import CliRunner

from fleet.errors import FleetError, InputError
from fleet.topology import Element, ServedCell, Topology
from wingspan import main


def rehearse(lab, *words):
    """Run a command of the rehearsal and return its result."""
    return CliRunner().invoke(main, ["-C", str(lab.workspace.root), "fleet", "rehearse", *words])


def serials(devices):
    """Return the serials of devices as a set."""
    return {device.serial for device in devices}


def served_by(lab, element):
    """Return the serials of the devices that hang from an element, whether near or far."""
    path = lab.rehearsal.request.topology.path
    return {
        device.serial
        for device in lab.devices
        if element in {above.id for above in path(device.cell.element)}
    }


@pytest.mark.parametrize(
    ("element", "count"),
    [("XAA/A/AP-001", 6), ("XAA/A/SW-02", 6), ("XAA/core", 12), ("XAB/uplink", 12)],
)
def test_a_cut_silences_what_hangs_from_the_element_and_nothing_else(lab, element, count):
    behind = served_by(lab, element)

    with lab.fault("cut", element) as fault:
        assert len(behind) == count
        assert set(fault.devices) == behind
        assert lab.silent() == behind

    assert lab.answering() == serials(lab.devices)
    assert lab.ssh(lab.devices[0], "hostname")


def test_cutting_a_riser_cuts_every_switch_that_needs_it(new_lab):
    uplink = Element(id="MDI/uplink", kind="uplink", prison_id="MDI")
    riser = Element(id="MDI/riser", kind="riser", prison_id="MDI")
    switches = [
        Element(id=f"SW-{n}", kind="switch", parent="MDI/uplink", needs=needs)
        for n, needs in enumerate([("MDI/riser",), ("MDI/riser",), ()], start=1)
    ]
    cells = [ServedCell(cell=f"{switch.id}-1", element=switch.id) for switch in switches]
    topology = Topology(elements=(uplink, riser, *switches), cells=tuple(cells))
    small = new_lab(devices=3, topology=topology)

    with small.fault("cut", "MDI/riser"):
        assert small.silent() == {"LAB-0001", "LAB-0002"}

    assert small.answering() == serials(small.devices)


def test_a_slow_uplink_holds_packets_back_and_still_carries_them(lab):
    device = lab.devices[0]
    router = lab.rehearsal.router(device.site.number)
    queue = ["tc", "-s", "-json", "qdisc", "show", "dev", "wan"]

    with lab.fault("slow", device.site.uplink, "256kbit"):
        assert len(lab.ssh(device, "head -c 60000 /dev/zero | base64 -w0")) == 80_000
        shaped = json.loads(lab.rehearsal.machine.run(queue, network_of=router))[0]

    after = json.loads(lab.rehearsal.machine.run(queue, network_of=router))
    assert shaped["kind"] == "tbf"
    assert shaped["overlimits"] > 0
    assert not [each for each in after if each["kind"] == "tbf"]


def test_an_access_point_that_loses_packets_loses_them_both_ways(lab):
    device = lab.devices[0]
    router = lab.rehearsal.router(device.site.number)

    # Chance drops 5 of 100, and few packets go towards the device: it gets many chances.
    with lab.fault("lose", device.cell.element, "5"):
        for _ in range(40):
            assert len(lab.ssh(device, "head -c 900000 /dev/zero | base64 -w0")) == 1_200_000
            rules = lab.rehearsal.machine.run(["nft", "list", "ruleset"], network_of=router)
            counters = [line for line in rules.splitlines() if "counter packets" in line]
            dropping = [line for line in counters if "counter packets 0 " not in line]
            if len(dropping) == 2:
                break

    assert len(counters) == len(dropping) == 2
    assert not lab.rehearsal.machine.run(["nft", "list", "ruleset"], network_of=router)


def test_a_device_that_loses_everything_is_silent(lab):
    device = lab.devices[1]

    with lab.fault("lose", device.cell.cell, "100"):
        assert lab.silent(lab.devices[:3]) == {device.serial}

    assert lab.ssh(device, "hostname") == f"{device.name}\n"


def test_a_device_that_hangs_takes_the_connection_and_says_nothing(lab):
    device = lab.devices[2]

    with lab.fault("hang", device.serial):
        opened = lab.transport.connect(str(device.address), 22, timeout_s=2)
        with opened, pytest.raises(TimeoutError):
            opened.recv(1)
        assert lab.try_ssh(device, "true", patience_s=3).returncode == 255

    assert lab.ssh(device, "hostname") == f"{device.name}\n"


def test_a_full_disk_takes_no_byte_more(lab):
    device = lab.devices[3]

    with lab.fault("fill", device.serial):
        refused = lab.try_ssh(device, "echo more >/root/more")

    assert "No space left on device" in refused.stderr
    assert lab.ssh(device, "echo more >/root/more; cat /root/more") == "more\n"


@pytest.mark.parametrize("shift_s", ["3600", "-3600"])
def test_sshd_judges_a_certificate_by_the_devices_own_clock(lab, tmp_path, keygen, shift_s):
    device = lab.devices[4]
    for name in ("authority", "user"):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name)
    authority, user = tmp_path / "authority", tmp_path / "user"
    keygen("-q", "-s", authority, "-I", "test", "-n", "root", "-V", "-10m:+10m", f"{user}.pub")
    trusted = authority.with_suffix(".pub").read_text(encoding="utf-8")
    lab.ssh(
        device,
        f"echo '{trusted.strip()}' >/etc/ssh/ca.pub; echo 'TrustedUserCAKeys /etc/ssh/ca.pub' "
        ">/etc/ssh/sshd_config.d/ca.conf; service ssh reload",
    )
    lab.wait_until(lambda: lab.try_ssh(device, "true", key=user).returncode == 0)

    with lab.fault("clock", device.serial, shift_s):
        assert lab.answering([device])
        assert lab.try_ssh(device, "true", key=user).returncode == 255
        why = lab.ssh(device, "grep 'Certificate invalid' /run/sshd.log | tail -1")

    assert why == f"Certificate invalid: {'expired' if shift_s > '0' else 'not yet valid'}\n"
    assert lab.answering([device])
    assert lab.try_ssh(device, "true", key=user).returncode == 0


def test_programs_on_a_device_see_its_clock_even_after_a_reboot(lab):
    device = lab.devices[5]
    asked = "date +%Y; python3 -c 'import time; print(time.gmtime().tm_year)'"

    result = rehearse(lab, "clock", device.serial, "--at", "1970-01-01")
    assert result.exit_code == 0, result.output
    assert lab.answering([device])
    assert lab.ssh(device, asked).split() == ["1970", "1970"]
    with pytest.raises(subprocess.CalledProcessError):
        lab.ssh(device, "reboot -f; sleep 60")
    assert lab.answering([device])
    assert lab.ssh(device, asked).split() == ["1970", "1970"]
    assert rehearse(lab, "restore", device.serial).exit_code == 0
    assert lab.answering([device])
    assert int(lab.ssh(device, "date +%Y")) > 2025


def test_another_host_key_is_refused_until_the_first_is_back(lab):
    device = lab.devices[6]

    with lab.fault("rekey", device.serial):
        refused = lab.try_ssh(device, "true")

    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    assert lab.ssh(device, "hostname") == f"{device.name}\n"


def test_after_a_swap_each_address_shows_the_other_key(lab):
    first, second = lab.devices[7:9]
    assert first.site == second.site

    with lab.fault("swap", first.serial, second.serial) as fault:
        refused = lab.try_ssh(first, "true")
        assert set(fault.devices) == {first.serial, second.serial}

    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    assert lab.ssh(first, "hostname") == f"{first.name}\n"
    assert lab.ssh(second, "hostname") == f"{second.name}\n"


def test_a_device_without_power_takes_no_leave(lab):
    device = lab.devices[9]
    lab.ssh(device, "echo kept >/root/written")

    with lab.transport.connect(str(device.address), 22, timeout_s=2) as opened:
        opened.recv(100)
        with lab.fault("power-off", device.serial):
            with pytest.raises(TimeoutError):
                opened.recv(1)
            with pytest.raises(FleetError, match=f"{device.serial} is off"):
                lab.rehearsal.on(device, ["true"])

    assert lab.ssh(device, "cat /root/written") == "kept\n"


def test_a_power_cut_loses_what_was_not_synchronised_and_nothing_else(lab):
    device = lab.devices[10]
    lab.ssh(device, "echo safe >/root/synced; sync; echo lost >/root/unsynced")

    with lab.fault("power-cut", device.serial):
        assert lab.silent([device])

    assert lab.ssh(device, "cat /root/synced; ls /root/unsynced 2>&1 || :") == (
        "safe\nls: cannot access '/root/unsynced': No such file or directory\n"
    )


def test_faults_of_one_target_end_together_and_others_stay(lab):
    first, second = lab.devices[11:13]
    for kind in ("hang", "power-off"):
        assert rehearse(lab, kind, first.serial).exit_code == 0
    assert rehearse(lab, "hang", second.serial).exit_code == 0
    ended = json.loads(rehearse(lab, "restore", first.serial, "--json").stdout)["ended"]
    standing = json.loads(rehearse(lab, "status", "--json").stdout)["faults"]
    assert rehearse(lab, "restore", "all").exit_code == 0

    assert [fault["fault"] for fault in ended] == ["power-off", "hang"]
    assert [(fault["fault"], fault["target"]) for fault in standing] == [("hang", second.serial)]
    assert lab.answering([first, second]) == {first.serial, second.serial}


def test_restoring_what_does_not_fail_is_no_fault(lab):
    result = rehearse(lab, "restore", "XAA/A/SW-01")

    assert (result.exit_code, result.stdout) == (0, "nothing of XAA/A/SW-01 was failing\n")


def test_an_unknown_target_is_named_with_what_is_near(lab):
    result = rehearse(lab, "cut", "XAA/A/SW-1")

    assert result.exit_code == 3
    assert "the rehearsal has no XAA/A/SW-1" in result.stderr
    assert "XAA/A/SW-01" in result.stderr


def test_a_switch_cannot_hang(lab):
    what = "hang happens to a device, and XAA/A/SW-01 is none"
    with pytest.raises(InputError, match=what), lab.fault("hang", "XAA/A/SW-01"):
        pass


def test_addresses_of_two_prisons_are_not_swapped(lab):
    first, last = lab.devices[0], lab.devices[-1]

    what = "are not two devices of one prison"
    with pytest.raises(InputError, match=what), lab.fault("swap", first.serial, last.serial):
        pass
    assert lab.ssh(first, "hostname") == f"{first.name}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("slow", "LAB-0001", "--rate", "fast"),
        ("lose", "LAB-0001", "--percent", "101"),
        ("clock", "LAB-0001", "--shift", "tomorrow"),
        ("clock", "LAB-0001", "--shift", "+1h", "--at", "1970-01-01"),
    ],
)
def test_what_cannot_be_done_is_wrong_usage(lab, words):
    assert rehearse(lab, *words).exit_code == 2


def test_a_device_with_systemd_boots_its_units_and_fails_like_the_others(new_lab):
    small = new_lab(devices=2, systemd=1)
    device, other = small.devices
    assert small.ssh(device, "systemctl is-system-running --wait") == "running\n"
    small.ssh(
        device,
        "printf '[Service]\\nType=oneshot\\nExecStart=touch /root/unit-ran\\n"
        "[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/own.service; "
        "systemctl enable --quiet own.service; sync; touch /root/unsynced",
    )
    with small.fault("power-cut", device.serial):
        assert small.silent() == {device.serial}

    assert small.ssh(device, "systemctl is-system-running --wait; ls /root") == (
        "running\nunit-ran\n"
    )
    assert small.ssh(other, "ps -o comm= -p 1") == "rehearsal-init\n"
    with small.fault("clock", device.serial, "3600"):
        assert small.answering([device])
        ahead_s = int(small.ssh(device, "date +%s")) - int(small.ssh(other, "date +%s"))
    assert 3000 < ahead_s < 4000


def test_a_fault_without_a_rehearsal_says_how_to_start_one(tmp_path):
    result = CliRunner().invoke(main, ["-C", str(tmp_path), "fleet", "rehearse", "cut", "X"])

    assert result.exit_code == 3
    assert "wingspan fleet rehearse up" in result.stderr
