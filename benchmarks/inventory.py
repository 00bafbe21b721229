"""What it costs Ansible to know 90,000 devices: our plugin beside YAML, INI and script.

python benchmarks/inventory.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import Cost, aligned, run

ROOT = Path(__file__).parents[1]
DEVICES, PRISONS = 90_000, 120
RUNS = 3  # of what is short

# The aims: CPU seconds above an empty inventory, CPU seconds, MB.
SLICE_CPU_S_MAX, WHOLE_CPU_S_MAX, WHOLE_MEMORY_MB_MAX = 1.0, 8.0, 300.0

PLACES = "prison, wing, landing, model"
CASES = {
    "plugin, one prison": "scope: [P001]",
    f"plugin, {PLACES}": f"groups: [{PLACES}]",
    "plugin, also ring and version": f"groups: [{PLACES}, ring, version]",
    "plugin, also switch and access point": f"groups: [{PLACES}, switch, access_point]",
    "plugin, all groups": "",
}


@dataclass(frozen=True, slots=True)
class Ansible:
    """An Ansible to measure with."""

    program: Path
    version: str
    variables: dict[str, str]

    def list_hosts(self, inventory: Path, *, runs: int = 1) -> tuple[Cost, int]:
        """Return what `--list-hosts` takes, and how many hosts it lists."""
        command = [self.program, "-i", inventory, "--list-hosts", inventory.with_name("play.yml")]
        each = [run(command, self.variables) for _ in range(runs)]
        return Cost.median_of(cost for cost, _ in each), _hosts(each[0][1])


def main() -> None:
    """Measure and print."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {DEVICES:,} devices")
    with TemporaryDirectory(prefix="wingspan-inventory-") as temporary:
        folder = Path(temporary)
        maker = [ROOT / "benchmarks" / "inventory_estate.py", folder, str(DEVICES), str(PRISONS)]
        subprocess.run([sys.executable, *maker], check=True)
        (folder / "play.yml").write_text("- hosts: all\n  gather_facts: false\n")
        (folder / "empty.ini").write_text("")
        for number, said in enumerate(CASES.values()):
            (folder / str(number)).mkdir()
            config = f"plugin: wingspan\nworkspace: ..\n{said}\n"
            (folder / str(number) / "wingspan.yml").write_text(config)
            (folder / str(number) / "play.yml").symlink_to(folder / "play.yml")
        _report(_installed(Path(sys.executable).parent, {}), folder, peers=True)
        newer = _newer(folder / "newer")
        if newer is None:
            print("\nnewer Ansible: untested, there is no Python of 3.12 or later here")
        else:
            _report(newer, folder, peers=False)


def _report(ansible: Ansible, folder: Path, *, peers: bool) -> None:
    empty, _ = ansible.list_hosts(folder / "empty.ini", runs=RUNS)
    found = {"empty": (empty, 0)}
    for number, name in enumerate(CASES):
        runs = RUNS if number == 0 else 1
        found[name] = ansible.list_hosts(folder / str(number) / "wingspan.yml", runs=runs)
    if peers:
        for name, file in {"script": "hosts.sh", "INI": "hosts.ini", "YAML": "hosts.yml"}.items():
            found[f"{name}, {PLACES}"] = ansible.list_hosts(folder / file)
    rows = [
        (
            name,
            f"{hosts:,}",
            f"{cost.cpu_s:.1f}",
            f"{cost.cpu_s - empty.cpu_s:+.1f}",
            f"{cost.memory_mb:.0f}",
        )
        for name, (cost, hosts) in found.items()
    ]
    print(f"\n{ansible.version}, ansible-playbook --list-hosts")
    print(aligned(("inventory", "hosts", "CPU s", "above empty", "MB"), rows))
    one, whole = (found[name][0] for name in list(CASES)[:2])
    added_s = one.cpu_s - empty.cpu_s
    print(f"one prison adds at most {SLICE_CPU_S_MAX} s: {_met(added_s <= SLICE_CPU_S_MAX)}")
    kept = whole.cpu_s <= WHOLE_CPU_S_MAX and whole.memory_mb <= WHOLE_MEMORY_MB_MAX
    print(f"all within {WHOLE_CPU_S_MAX} s and {WHOLE_MEMORY_MB_MAX:.0f} MB: {_met(kept)}")


def _met(kept: bool) -> str:  # noqa: FBT001 - it is all there is to say
    return "met" if kept else "MISSED"


def _hosts(text: str) -> int:
    found = re.search(r"hosts \((\d+)\)", text)
    return int(found[1]) if found else 0


def _installed(folder: Path, variables: dict[str, str]) -> Ansible:
    program = folder / "ansible-playbook"
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    config = {"ANSIBLE_CONFIG": str(ROOT / "inventory" / "example" / "ansible.cfg")}
    own = config | {"ANSIBLE_INVENTORY_ENABLED": "wingspan,script,yaml,ini"} | variables
    return Ansible(program, said.stdout.partition("\n")[0], own)


def _newer(folder: Path) -> Ansible | None:
    """Return the newest Ansible in an environment of its own, None without a Python for it."""
    pyenv = Path.home() / ".pyenv" / "versions"
    found = [Path(f"python3.{minor}") for minor in (14, 13, 12)]
    found += sorted(pyenv.glob("3.1[2-9]*/bin/python3"), reverse=True)
    for python in found:
        try:
            subprocess.run([python, "-c", "import venv"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        subprocess.run([python, "-m", "venv", folder], check=True)
        wanted = ["ansible-core", "sqlalchemy", "msgspec"]
        pip = [folder / "bin" / "python", "-m", "pip", "--quiet", "install"]
        subprocess.run([*pip, *wanted], check=True, stderr=subprocess.DEVNULL)
        return _installed(folder / "bin", {"PYTHONPATH": str(ROOT)})
    return None


if __name__ == "__main__":
    main()
