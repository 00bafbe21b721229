"""A Dask cluster of two worker processes on this machine, until stdin closes.

Writes the address of its scheduler as its first line.
"""

from __future__ import annotations

import sys

from distributed import LocalCluster

WORKERS = 2


def main() -> None:
    """Serve until whoever started this closes its stdin, or ends."""
    cluster = LocalCluster(  # type: ignore[no-untyped-call]  # distributed has no annotations here
        n_workers=WORKERS, threads_per_worker=1, dashboard_address=None
    )
    with cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
