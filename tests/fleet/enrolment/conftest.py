import pytest

from fleet.enrolment import Centre
from fleet.identity import Identity
from fleet.workspace import Workspace

PATIENCE_S = 60


@pytest.fixture
def centre(tmp_path, loopback):
    """Return a centre with new keys, for tablets on this machine."""
    identity, _ = Identity.make(Workspace(tmp_path / "workspace"), operator="asha")
    return Centre(identity=identity, transport=loopback, operator="asha", timeout_s=PATIENCE_S)
