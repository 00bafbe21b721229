import json

import pytest

from fleet.identity import Identity
from fleet.shipped import shipped
from fleet.workspace import Workspace

# What an enrolled device runs for the broker lane, here reduced to an echo of what it was asked.
_ECHO = '#!/bin/sh\nprintf "%s|%s" "$*" "$SSH_ORIGINAL_COMMAND"\n'


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def identity(workspace):
    return Identity.make(workspace, operator="asha")[0]


@pytest.fixture(scope="session")
def trust():
    """Return a function that gives a tablet's own program an order, as root on it."""
    program = shipped("playbooks") / "files" / "wingspan_trust.py"

    def order(tablet, name, content=None):
        done = tablet.inside("python3", "-I", str(program), name, stdin=json.dumps(content or {}))
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return order


@pytest.fixture
def enrolment(identity):
    """Return the order that makes a tablet ours."""
    return _enrolment(identity)


@pytest.fixture
def tablet(start_tablet, identity, trust):
    """Return an enrolled tablet, its old way in closed."""
    return _enrolled(start_tablet, identity, trust)


@pytest.fixture(scope="module")
def shared_identity(tmp_path_factory):
    """Return the identity of a whole file of tests."""
    return Identity.make(Workspace(tmp_path_factory.mktemp("workspace")), operator="asha")[0]


@pytest.fixture(scope="module")
def shared_tablet(start_tablet, shared_identity, trust):
    """Return an enrolled tablet for a whole file of tests that leave it as it was."""
    return _enrolled(start_tablet, shared_identity, trust)


def _enrolment(identity):
    return {
        "device": "WS-000001",
        "prison_id": "MDI",
        "nonce": "0f" * 16,
        "at": "2026-11-25T12:00:00+00:00",
        "trust_key": identity.trust_public(),
        "envelope": json.loads(identity.envelope().encoded()),
        "files": {"/usr/local/bin/wingspan-device": [_ECHO, "0755"]},
        "links": {},
        "clock": [],
        "time_s": 0,
    }


def _enrolled(start_tablet, identity, trust):
    tablet = start_tablet(identity.path("bootstrap.pub"))
    for name, content in (("enrol", _enrolment(identity)), ("close", {}), ("sealed", {})):
        answer = trust(tablet, name, content)
        assert "refused" not in answer, answer
    return tablet
