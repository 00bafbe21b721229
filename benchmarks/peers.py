"""Other ways to ask the devices of a rehearsal the same, each as a process of its own.

    python -m benchmarks.peers install|prepare WORKSPACE FOLDER
    python -m benchmarks.peers asyncssh|parallel-ssh FOLDER COUNT

`prepare` writes what they need: one list of enrolled devices with their pinned keys, and one
certificate of the deploy lane, since only ours speaks on the broker lane. parallel-ssh takes no
ed25519 certificate; for it, `install` puts our program on devices before they are enrolled, while
they still take the plain key.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from getpass import getuser
from pathlib import Path
from typing import Any

ASKED = "wingspan-device probe"
AT_ONCE = 20
KEY_EXCHANGE = "curve25519-sha256"
_TIMEOUT_S = 60


def prepare(workspace: Path, folder: Path) -> None:
    """Write hosts.json, inventory.ini, known_hosts, key and key-cert.pub into a folder."""
    from fleet.identity import Identity, Lane  # noqa: PLC0415 - of no use to the others
    from fleet.registry import Registry  # noqa: PLC0415
    from fleet.workspace import Workspace  # noqa: PLC0415

    opened = Workspace(workspace)
    with Registry.open(opened.settings().database) as registry:
        devices = registry.devices()
    credential = Identity.open(opened).credential(
        Lane.DEPLOY,
        operator=getuser(),
        purpose="benchmark",
        principals=[f"device-{device.device}" for device in devices],
        minutes=60,
    )
    with credential.files() as files:
        for name in ("key", "key-cert.pub"):
            shutil.copy(files / name, folder / name)
    hosts = [{"name": d.device, "address": d.address, "key": d.host_key} for d in devices]
    (folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")
    known = "".join(f"{d.device},{d.address} {d.host_key}\n" for d in devices)
    (folder / "known_hosts").write_text(known, encoding="utf-8")
    lines = (
        f"{d.device} ansible_host={d.address} ansible_ssh_extra_args='-o HostKeyAlias={d.device}'\n"
        for d in devices
    )
    (folder / "inventory.ini").write_text("".join(lines), encoding="utf-8")


def install(workspace: Path, folder: Path) -> None:
    """Put our program on new devices; write hosts.json and the plain key into a folder."""
    from fleet.enrolment import read_candidates  # noqa: PLC0415 - as above
    from fleet.identity import Identity  # noqa: PLC0415
    from fleet.ssh import Target, open_session  # noqa: PLC0415
    from fleet.transport import transport_of  # noqa: PLC0415
    from fleet.workspace import Workspace  # noqa: PLC0415

    opened = Workspace(workspace)
    credential, transport = Identity.open(opened).bootstrap(), transport_of(opened)
    shutil.copy(opened.keys / "bootstrap", folder / "key")
    program = Path(__file__).parents[1] / "playbooks" / "files" / "wingspan_device.py"
    hosts = []
    for device in read_candidates(opened.devices_csv):
        target = Target(
            device=device.serial,
            address=device.address,
            port=device.port,
            user="root",
            host_key=device.host_key,
        )
        with open_session(target, credential, transport, timeout_s=_TIMEOUT_S) as session:
            session.put("/usr/local/bin/wingspan-device", program.read_bytes(), 0o755)
        hosts.append({"name": device.serial, "address": device.address, "key": device.host_key})
    (folder / "hosts.json").write_text(json.dumps(hosts), encoding="utf-8")


def with_asyncssh(folder: Path, count: int) -> int:
    """Ask with asyncssh, checking host keys; return how many answered."""
    import asyncssh  # noqa: PLC0415 - each peer imports its own library and no other

    key = asyncssh.read_private_key(folder / "key")
    certificate = asyncssh.read_certificate(folder / "key-cert.pub")

    async def ask(host: dict[str, Any], places: asyncio.Semaphore) -> bool:
        pinned = asyncssh.import_public_key(host["key"])
        async with (
            places,
            asyncssh.connect(
                host["address"],
                username="root",
                client_keys=[(key, certificate)],
                known_hosts=([pinned], [], []),
                kex_algs=[KEY_EXCHANGE],
                config=None,
                agent_path=None,
                connect_timeout=_TIMEOUT_S,
            ) as connection,
        ):
            answer = await connection.run(ASKED, check=True)
            return json.loads(str(answer.stdout))["schema"] == 1

    async def ask_all() -> int:
        places = asyncio.Semaphore(AT_ONCE)
        return sum(await asyncio.gather(*(ask(host, places) for host in _hosts(folder, count))))

    return asyncio.run(ask_all())


def with_parallel_ssh(folder: Path, count: int) -> int:
    """Ask with parallel-ssh, which checks no host key; return how many answered."""
    from pssh.clients import ParallelSSHClient  # noqa: PLC0415

    client = ParallelSSHClient(
        [host["address"] for host in _hosts(folder, count)],
        user="root",
        pkey=str(folder / "key"),
        pool_size=AT_ONCE,
        timeout=_TIMEOUT_S,
        allow_agent=False,
        identity_auth=False,
    )
    answers = client.run_command(ASKED)
    return sum(json.loads("".join(answer.stdout))["schema"] == 1 for answer in answers)


def _hosts(folder: Path, count: int) -> list[dict[str, Any]]:
    hosts: list[dict[str, Any]] = json.loads((folder / "hosts.json").read_text(encoding="utf-8"))
    return hosts[:count]


if __name__ == "__main__":
    if sys.argv[1] in {"install", "prepare"}:
        {"install": install, "prepare": prepare}[sys.argv[1]](*map(Path, sys.argv[2:]))
    else:
        peer = {"asyncssh": with_asyncssh, "parallel-ssh": with_parallel_ssh}[sys.argv[1]]
        print(json.dumps({"answered": peer(Path(sys.argv[2]), int(sys.argv[3]))}))
