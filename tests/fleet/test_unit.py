"""Units of systemd as they are written for this installation."""

import sys
from pathlib import Path

from fleet.unit import unit_text

SHIPPED = "ExecStart={program}\nUser={user}\nBindPaths={folder}\nBindReadOnlyPaths={programs}\n"


def test_what_is_needed_of_a_home_is_shown_to_the_service_and_nothing_else(tmp_path, monkeypatch):
    shipped = tmp_path / "some.service"
    shipped.write_text(SHIPPED)
    monkeypatch.setattr(sys, "prefix", "/home/asha/venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")

    text = unit_text(
        shipped,
        program=Path("/home/asha/venv/bin/wingspan"),
        folder=Path("/home/asha/fleet"),
        user="asha",
    )

    assert text.splitlines() == [
        "ExecStart=/home/asha/venv/bin/wingspan",
        "User=asha",
        "BindPaths=/home/asha/fleet",
        "BindReadOnlyPaths=/home/asha/venv /home/asha/venv/bin",
    ]
