"""Folders to make bundles from, and bundles that somebody has been at."""

import io
import json
import tarfile
from datetime import UTC, datetime

import pytest

from fleet.bundle import Kind, Wanted, make_bundle
from fleet.workspace import Workspace
from tests.fleet.bundle.tablets import build_package


@pytest.fixture
def workspace(tmp_path):
    root = tmp_path / "centre"
    root.mkdir()
    return Workspace(root)


@pytest.fixture(name="build_package")
def build_package_fixture():
    """Return a function that builds a real Debian package."""
    return build_package


@pytest.fixture
def sources(tmp_path, build_package):
    """Return a folder for each kind of bundle."""
    generic = tmp_path / "generic"
    (generic / "files/opt/kiosk").mkdir(parents=True)
    (generic / "files/opt/kiosk/start").write_text("#!/bin/sh\n")
    (generic / "files/opt/kiosk/start").chmod(0o755)
    (generic / "files/opt/kiosk/current").symlink_to("start")
    (generic / "remove.txt").write_text("/opt/kiosk/old\n")
    (generic / "checks/post").mkdir(parents=True)
    (generic / "checks/post/starts").write_text("#!/bin/sh\n")
    (generic / "checks/post/starts").chmod(0o755)
    debian = tmp_path / "debian"
    debian.mkdir()
    build_package(debian, "kiosk", "2.0-1", {"/opt/kiosk/start": "two\n"})
    rauc = tmp_path / "rauc"
    rauc.mkdir()
    (rauc / "root.img").write_bytes(b"system" * 50_000)
    return {Kind.GENERIC: generic, Kind.DEBIAN: debian, Kind.RAUC: rauc}


@pytest.fixture
def make(workspace, sources, tmp_path):
    """Return a function that makes a bundle of some kind."""

    def make(kind=Kind.GENERIC, version="1.0", now=None, **more):
        wanted = Wanted(name="kiosk", kind=kind, version=version, compatible="tablet", **more)
        target = tmp_path / f"{kind}-{version}.tar"
        now = now or datetime.now(tz=UTC)
        return make_bundle(workspace, sources[kind], wanted, target, now=now)

    return make


def members_of(path):
    """Return the members of a bundle by name."""
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def written(path, members):
    """Write a bundle of members as they are given, and return its path."""
    with tarfile.open(path, "w:") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def edited(encoded, **changes):
    """Return signed metadata with something in it changed after it was signed."""
    said = json.loads(encoded)
    said["signed"] |= changes
    return json.dumps(said).encode()
