"""No private key is in an argument, an answer, a log or a file outside `keys/`: searched for."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

# How the base64 of every OpenSSH private key begins, and the line above it.
MARKS = (b"b3BlbnNzaC1rZXktdjEA", b"PRIVATE KEY", b"AGE-SECRET-KEY")
RECORDED = ("ssh-keygen", "ssh", "sudo", "nsenter", "python3", "ansible-playbook")

COMMANDS = (
    "init",
    "enrol --yes",
    "operator add ben --role operator --key {folder}/ben.pub",
    "operator add carl --role viewer",
    "keys push",
    "health",
    "play facts XAA",
    "play enrol XAA --yes",
    "keys rotate --ca broker --yes",
    "keys rotate --ca deploy --compromised --yes",
    "operator remove carl --yes",
    "keys show",
    "list",
    "audit",
)


@pytest.fixture
def recorded(tmp_path):
    """Return an environment in which the programs we call note their arguments, and the notes."""
    shims, notes = tmp_path / "shims", tmp_path / "arguments"
    shims.mkdir()
    notes.touch()
    for name in RECORDED:
        real = shutil.which(name)
        if real is not None:
            shim = shims / name
            shim.write_text(f'#!/bin/sh\nprintf "%s\\0" {name} "$@" >>{notes}\nexec {real} "$@"\n')
            shim.chmod(0o755)
    return os.environ | {"PATH": f"{shims}:{os.environ['PATH']}"}, notes


def private_lines(folder: Path) -> set[bytes]:
    """Return the lines of every private key in a folder that would give it away."""
    return {
        line
        for path in folder.iterdir()
        if b"PRIVATE KEY" in path.read_bytes()
        for line in path.read_bytes().splitlines()
        if line and not line.startswith((b"-----", b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"))
    }


def test_commands_leave_no_private_key_but_in_the_folder_of_keys(
    new_lab, recorded, keygen, tmp_path
):
    environment, notes = recorded
    lab = new_lab(devices=2, prisons=1)
    workspace = lab.workspace
    keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ben")
    program = Path(sys.executable).with_name("wingspan")
    said = b""
    for words in COMMANDS:
        given = words.format(folder=tmp_path).split()
        done = subprocess.run(
            [program, "-C", workspace.root, "fleet", *given],
            check=False,
            capture_output=True,
            env=environment,
        )
        assert done.returncode == 0, (words, done.stderr.decode())
        said += done.stdout + done.stderr

    told = notes.read_bytes()
    assert b"ssh-keygen\0-Y\0sign" in told  # The recorder does record.
    searched = {"arguments": told, "answers": said} | {
        str(path): path.read_bytes()
        for path in workspace.root.rglob("*")
        if path.is_file()
        and workspace.keys not in path.parents
        and stat.S_ISREG(path.stat().st_mode)
    }
    secrets = (*MARKS, *private_lines(workspace.keys))
    assert len(secrets) > len(MARKS) + 8
    found = [(where, mark) for where, text in searched.items() for mark in secrets if mark in text]
    assert found == []
    private = [path for path in workspace.keys.iterdir() if path.suffix != ".pub"]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in private}
    assert set(modes.values()) == {0o600}, modes
