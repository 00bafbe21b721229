"""The device's programs as modules: on a device they lie beside one another in one folder."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

FILES = Path(__file__).parents[2] / "playbooks" / "files"


@pytest.fixture
def firewall(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the program that computes and loads the firewall."""
    return program("wingspan_firewall", monkeypatch)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the program that lets names through."""
    return program("wingspan_names", monkeypatch)


@pytest.fixture
def baseline(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the program that puts the baseline in force."""
    return program("wingspan_baseline", monkeypatch)


def program(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return one of the device's programs, imported as the device would."""
    monkeypatch.setattr(sys, "path", [str(FILES), *sys.path])
    return import_module(name)
