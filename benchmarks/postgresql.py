"""A PostgreSQL server of its own, which is gone after the measurement."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = Path("/usr/lib/postgresql")
OWNER = "postgres"
PATIENCE_S = 300
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# In /proc/PID/stat, counted after the command's closing bracket: its own time, and that of the
# children that it has waited for.
_PARENT_FIELD, _TIME_FIELDS = 1, slice(11, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server: where its database is, and its first process."""

    url: str
    pid: int

    @property
    def cpu_s(self) -> float:
        """Return the processor time of all of its processes, those that have ended included."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2]
            except OSError:  # It has ended.
                continue
            words = fields.split()
            if int(path.parent.name) == self.pid or int(words[_PARENT_FIELD]) == self.pid:
                ticks += sum(map(int, words[_TIME_FIELDS]))
        return ticks / _TICKS_A_SECOND

    @property
    def bytes(self) -> int:
        """Return the bytes of the database."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            size = connection.scalar(text("SELECT pg_database_size(current_database())"))
        engine.dispose()
        return int(size or 0)


@contextmanager
def serving() -> Iterator[Server]:
    """Have a server run for the block, as an unprivileged user, with its defaults.

    Raises
    ------
    RuntimeError
        When Debian's package is not here, or it does not start.
    """
    versions = sorted(SERVERS.glob("*/bin/postgres"))
    if not versions:
        raise RuntimeError(f"PostgreSQL is not under {SERVERS}: apt install postgresql")
    programs = versions[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="wingspan-pg-"))  # A socket's path must be short.
    owner = OWNER if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner)
    made = [programs / "initdb", "--auth=trust", "--username=wingspan", "--encoding=UTF8"]
    made += ["--locale=C.UTF-8", "-D", folder / "data"]
    subprocess.run(made, check=True, capture_output=True, user=owner, cwd=folder)
    served = [programs / "postgres", "-D", folder / "data", "-c", "listen_addresses="]
    served += ["-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(served, stdout=log, stderr=log, user=owner, cwd=folder)
    try:
        ready = [programs / "pg_isready", "--quiet", "--host", folder]
        give_up_s = time.monotonic() + PATIENCE_S
        while subprocess.run(ready, check=False).returncode != 0:
            if time.monotonic() > give_up_s:
                raise RuntimeError((folder / "log").read_text())
            time.sleep(0.1)
        url = f"postgresql+psycopg://wingspan@/postgres?host={folder}"
        yield Server(url=url, pid=server.pid)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
