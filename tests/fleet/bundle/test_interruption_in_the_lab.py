"""Updates broken off in the middle, on real devices: old or new, never neither.

Here a few of each; `python -m benchmarks.interruption` breaks two hundred off.
"""

import os

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.bundle.interruption import BOTH_KILLED, KILLED, POWER_CUT, TWO_CUTS, Breaker
from tests.fleet.bundle.tablets import Tablets

SEED = int(os.environ.get("WINGSPAN_SEED", "20261125"))
RUNS = 4


@pytest.fixture(scope="module")
def tablets(start_lab, tmp_path_factory):
    lab = start_lab(devices=4, prisons=1)
    yield Tablets(lab, tmp_path_factory.mktemp("tablets"))
    down(lab.workspace)


# A boot that finishes an update may lose power too, and a guardian be killed with the program that
# it guards; then the next contact finishes.
@pytest.mark.parametrize(
    "how", [(POWER_CUT, TWO_CUTS), (KILLED, BOTH_KILLED)], ids=["power cut", "SIGKILL"]
)
@pytest.mark.parametrize("kind", ["generic", "debian"])
def test_an_update_broken_off_ends_with_one_version_whole(tablets, kind, how):
    number = 2 * (KILLED in how) + (kind == "debian")
    breaker = Breaker(tablets, tablets.devices[number], kind)

    broken = [breaker.run(SEED + 100 * number + run, how[run % 2]) for run in range(RUNS)]

    table = "\n".join(map(str, broken))
    print(table)  # noqa: T201 - its seeds, for whoever has to do it again
    assert not any(one.faults for one in broken), table
    assert any(one.between for one in broken), table
