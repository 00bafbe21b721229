"""The service that reconciles: systemd takes its unit, and it ends when it is told to."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WINGSPAN = Path(sys.executable).with_name("wingspan")
# What systemd-analyze calls the exposure of a service: 0 is none, 10 that of an ordinary one.
EXPOSURE_TENTHS_MAX = 20
PATIENCE_S = 120


@pytest.fixture
def unit(desk, tmp_path):
    """Return the file of the unit, as an engineer would install it."""
    path = tmp_path / "wingspan-reconcile.service"
    path.write_text(desk.answer("reconcile", "--unit")["unit"])
    return path


def analyze(*words):
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is not there: apt install systemd"
    return subprocess.run([program, *words], check=False, capture_output=True, text=True)


def test_systemd_finds_nothing_amiss_in_the_unit(unit):
    verified = analyze("verify", "--recursive-errors=no", str(unit))

    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_service_may_do_little_beside_its_work(unit):
    judged = analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS_MAX}", str(unit))

    assert judged.returncode == 0, judged.stdout


def test_it_goes_on_until_it_is_told_to_end_and_then_ends_well(desk):
    words = [WINGSPAN, "-C", desk.workspace.root, "fleet", "reconcile", "--every", "1", "--json"]
    environment = {**os.environ, "WINGSPAN_OPERATOR": "asha", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
    first = process.stdout.readline()

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)

    assert (first[:1], process.returncode) == ("{", 0)
    last = desk.workspace.audit.read_text(encoding="utf-8").splitlines()[-1]
    assert (json.loads(last)["action"], json.loads(last)["outcome"]) == ("fleet reconcile", "done")
