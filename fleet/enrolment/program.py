"""The device's program: which files it is, and where on the device each of them belongs."""

from __future__ import annotations

from fleet.shipped import shipped

_FOLDER = "/usr/local/lib/wingspan"
_UNITS = "/etc/systemd/system"
_TIMER = "wingspan-dead-man.timer"
_AT_BOOT = ("wingspan-clock.service", "wingspan-state.service", "wingspan-trust.service")
_TRUST = ("wingspan_disk", "wingspan_generation", "wingspan_sshd", "wingspan_trust")
# What the units do, where there is no systemd: on most devices of a rehearsal.
_BOOT_SCRIPT = f"""\
#!/bin/sh
[ -d /run/systemd/system ] && exit
python3 -I -S -E {_FOLDER}/wingspan_state.py </dev/null >/dev/null
python3 -I -S -E {_FOLDER}/wingspan_trust.py revert </dev/null >/dev/null
{_FOLDER}/wingspan_clock.py keep </dev/null >/dev/null 2>&1 &
"""


def program_files() -> dict[str, tuple[str, str]]:
    """Return the files of the program: path on the device → content and mode."""
    source = shipped("playbooks") / "files"

    def text(name: str) -> str:
        return (source / name).read_text(encoding="utf-8")

    programs = sorted(path.name for path in source.glob("wingspan_*.py"))
    units = sorted(path.name for path in source.glob("wingspan-*"))
    return (
        {f"{_FOLDER}/{name}": (text(name), "0755") for name in programs}
        | {f"{_UNITS}/{name}": (text(name), "0644") for name in units}
        | {
            "/etc/sudoers.d/wingspan": (text("wingspan.sudoers"), "0440"),
            "/etc/wingspan/boot.d/wingspan": (_BOOT_SCRIPT, "0755"),
        }
    )


def trust_parts() -> dict[str, str]:
    """Return the program of trust as it is sent before anything is on a device.

    Names and texts of its parts, each after those that it imports.
    """
    source = shipped("playbooks") / "files"
    return {name: (source / f"{name}.py").read_text(encoding="utf-8") for name in _TRUST}


def program_links() -> dict[str, str]:
    """Return the links that go with the program: path on the device → where it leads."""
    wanted = {f"{_UNITS}/sysinit.target.wants/{name}": f"{_UNITS}/{name}" for name in _AT_BOOT}
    wanted |= {f"{_UNITS}/timers.target.wants/{_TIMER}": f"{_UNITS}/{_TIMER}"}
    return wanted | {"/usr/local/bin/wingspan-device": f"{_FOLDER}/wingspan_device.py"}
