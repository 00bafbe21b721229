"""Host keys are always checked: nothing that ships could switch that off."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OFF = re.compile(
    r"AutoAddPolicy|WarningPolicy|MissingHostKeyPolicy|known_hosts\s*=\s*None"
    r"|StrictHostKeyChecking[^A-Za-z0-9]{0,6}(no|off|false|accept-new|ask)\b"
    r"|UserKnownHostsFile[^A-Za-z0-9]{0,6}/dev/null"
    r"|NoHostAuthenticationForLocalhost|VerifyHostKeyDNS"
    r"|host_key_checking[^A-Za-z0-9]{0,6}(false|no|0)\b",
    re.IGNORECASE,
)
SHIPPED = ["wingspan.py", "estate", "fleet", "reports", "playbooks", "inventory"]


def test_nothing_that_ships_switches_host_key_checking_off():
    listed = subprocess.run(
        ["/usr/bin/git", "ls-files", "--cached", "--others", "--exclude-standard", *SHIPPED],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = [
        f"{name}: {match[0]}"
        for name in listed.stdout.splitlines()
        for match in OFF.finditer((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]

    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())",
        '"-o", "StrictHostKeyChecking=no"',
        "StrictHostKeyChecking accept-new",
        "-o UserKnownHostsFile=/dev/null",
        "host_key_checking = False",
        'env["ANSIBLE_HOST_KEY_CHECKING"] = "False"',
    ],
)
def test_each_way_to_switch_it_off_is_found(line):
    assert OFF.search(line)
