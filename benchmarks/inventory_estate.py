"""Fill a folder with one fleet, as a registry and as YAML, INI and script inventories.

python benchmarks/inventory_estate.py FOLDER DEVICES PRISONS
"""

from __future__ import annotations

import base64
import json
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet.device import DeviceState, NewDevice
from fleet.registry import Registry
from fleet.topology import Element, ServedCell, Topology

if TYPE_CHECKING:
    from collections.abc import Iterator

WINGS, LANDINGS, POINTS, MODELS = "ABCDE", "1234", 4, 3
BY = {"by": "benchmark", "why": "benchmark"}
Inside = dict[str, dict[str, set[str]]]  # prison → wing → landings
_KEY_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"


def main(folder: Path, devices: int, prisons: int) -> None:
    """Write everything."""
    topology = Topology(elements=tuple(_elements(prisons)), cells=tuple(_cells(devices, prisons)))
    with Registry.create(f"sqlite:///{folder}/fleet.db") as registry:
        registry.load_locations(topology)
        new = [_device(number, served) for number, served in enumerate(topology.cells)]
        names = registry.add(new, **BY)
        registry.set_states(names, DeviceState.ENROLLED, **BY)
        versions = {name: {"version": f"1.{n % 4}"} for n, name in enumerate(names)}
        registry.record_observed(versions, source="benchmark", by="benchmark")
    hosts = {
        name: {"ansible_host": device.address} for name, device in zip(names, new, strict=True)
    }
    groups: dict[str, list[str]] = {}
    inside: Inside = {}
    for name, device, served in zip(names, new, topology.cells, strict=True):
        wing, landing = f"wing_{served.prison_id}_{served.wing}", served.landing
        leaf = wing.replace("wing", "landing", 1) + f"_{landing}"
        groups.setdefault(leaf, []).append(name)
        groups.setdefault(f"model_{device.model}", []).append(name)
        inside.setdefault(f"prison_{served.prison_id}", {}).setdefault(wing, set()).add(leaf)
    _write_yaml(folder / "hosts.yml", hosts, groups, inside)
    _write_ini(folder / "hosts.ini", hosts, groups, inside)
    _write_script(folder / "hosts.sh", hosts, groups, inside)


def _elements(prisons: int) -> Iterator[Element]:
    for prison in map(_prison, range(prisons)):
        yield Element(id=f"{prison}/uplink", kind="uplink", prison_id=prison)
        for wing in WINGS:
            switch, place = f"{prison}/{wing}/SW-01", {"prison_id": prison, "wing": wing}
            yield Element(id=switch, kind="switch", parent=f"{prison}/uplink", **place)
            for point in range(len(LANDINGS) * POINTS):
                name = f"{prison}/{wing}/AP-{point:03d}"
                yield Element(id=name, kind="access_point", parent=switch, **place)


def _cells(devices: int, prisons: int) -> Iterator[ServedCell]:
    for number in range(devices):
        prison, step = _prison(number % prisons), number // prisons
        wing, landing = WINGS[step % 5], LANDINGS[step // 5 % 4]
        point = (step // 5 % 4) * POINTS + step // 20 % POINTS
        yield ServedCell(
            cell=f"{prison}-{wing}-{landing}-{step // 20:03d}",
            element=f"{prison}/{wing}/AP-{point:03d}",
            prison_id=prison,
            wing=wing,
            landing=landing,
        )


def _prison(number: int) -> str:
    return f"P{number:03d}"


def _device(number: int, served: ServedCell) -> NewDevice:
    key = base64.b64encode(_KEY_HEAD + number.to_bytes(32, "big")).decode()
    return NewDevice(
        serial=f"S-{number}",
        model=f"t{number % MODELS}",
        ring=("canary", "early", "broad")[number % 3],
        cell=served.cell,
        host_key=f"ssh-ed25519 {key}",
        address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
    )


def _write_yaml(path: Path, hosts: Any, groups: Any, inside: Inside) -> None:
    children: dict[str, Any] = {
        prison: {
            "children": {
                wing: {"children": {leaf: _members(groups[leaf]) for leaf in sorted(leaves)}}
                for wing, leaves in wings.items()
            }
        }
        for prison, wings in inside.items()
    }
    children |= {name: _members(groups[name]) for name in groups if name.startswith("model")}
    with path.open("w", encoding="utf-8") as file:
        tree = {"all": {"hosts": hosts, "children": children}}
        yaml.dump(tree, file, Dumper=yaml.CSafeDumper)


def _members(names: list[str]) -> dict[str, Any]:
    return {"hosts": dict.fromkeys(names)}


def _write_ini(path: Path, hosts: Any, groups: Any, inside: Inside) -> None:
    lines = [f"{name} ansible_host={said['ansible_host']}" for name, said in hosts.items()]
    for group, names in groups.items():
        lines += [f"[{group}]", *names]
    for prison, wings in inside.items():
        lines += [f"[{prison}:children]", *wings]
        for wing, leaves in wings.items():
            lines += [f"[{wing}:children]", *sorted(leaves)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_script(path: Path, hosts: Any, groups: Any, inside: Inside) -> None:
    said: dict[str, Any] = {group: {"hosts": names} for group, names in groups.items()}
    for prison, wings in inside.items():
        said[prison] = {"children": list(wings)}
        said |= {wing: {"children": sorted(leaves)} for wing, leaves in wings.items()}
    said["_meta"] = {"hostvars": hosts}
    path.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")
    path.write_text(f"#!/bin/sh\ncat '{path.with_suffix('.json')}'\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
