"""What tests of health share: the real program on a device, behind a real sshd."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleet.health.facts import Report

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).parents[3] / "playbooks" / "files" / "wingspan_device.py"


@pytest.fixture
def broker_sshd(start_sshd):
    """Return a running sshd whose only command is the device's program."""
    return start_sshd(f"ForceCommand {sys.executable} {PROGRAM} broker")


@pytest.fixture
def report() -> Callable[..., Report]:
    """Return a function that makes a report of some facts."""

    def make(*, device="WS-000001", nonce="c0ffee", simulated=(), unread=None, **facts):
        return Report(
            device=device, nonce=nonce, facts=facts, simulated=simulated, unread=unread or {}
        )

    return make
