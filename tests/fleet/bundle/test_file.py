import io
import json
import subprocess
import tarfile
from datetime import UTC, datetime, timedelta

import pytest

from fleet.bundle import Kind, open_bundle, skip_numbers
from fleet.errors import InputError, RefusedError
from fleet.workspace import Workspace
from tests.fleet.bundle.conftest import edited, members_of, written


@pytest.mark.parametrize("kind", list(Kind))
def test_a_bundle_opens_as_it_was_made(make, workspace, kind):
    made = make(kind)

    assert open_bundle(made.path, workspace) == made
    assert (made.kind, made.version, made.number) == (kind, "1.0", 1)


def test_a_generic_bundle_names_each_file_with_its_hash(make):
    made = make()

    link, file = made.manifest.files
    assert (link.path, link.link) == ("/opt/kiosk/current", "start")
    # printf '#!/bin/sh\n' | sha256sum
    assert file.sha256 == "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"
    assert (file.mode, file.bytes) == (0o755, 10)
    assert made.manifest.remove == ("/opt/kiosk/old",)


def test_a_debian_bundle_is_a_signed_archive_of_pinned_packages(make, tmp_path):
    made = make(Kind.DEBIAN)
    archive = tmp_path / "unpacked"
    with tarfile.open(fileobj=io.BytesIO(members_of(made.path)["payload.tar"])) as tar:
        tar.extractall(archive, filter="data")

    keyring = archive / "archive/archive.gpg"
    command = ["gpgv", "--keyring", keyring, archive / "archive/InRelease"]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (checked.returncode, "Good signature" in checked.stderr) == (0, True)
    assert made.manifest.packages == {"kiosk": "2.0-1"}
    assert "Version: 2.0-1" in (archive / "archive/Packages").read_text()
    assert "Valid-Until:" in (archive / "archive/Release").read_text()


@pytest.mark.parametrize("kind", list(Kind))
def test_a_changed_byte_of_the_payload_is_refused(make, workspace, tmp_path, kind):
    members = members_of(make(kind).path)
    payload = bytearray(members["payload.tar"])
    payload[len(payload) // 2] ^= 1
    spoilt = written(tmp_path / "spoilt.tar", members | {"payload.tar": bytes(payload)})

    with pytest.raises(RefusedError, match=r"payload.tar in the bundle is not the one"):
        open_bundle(spoilt, workspace)


def test_a_changed_manifest_is_refused(make, workspace, tmp_path):
    members = members_of(make().path)
    changed = members["bundle.json"].replace(b'"version": "1.0"', b'"version": "1.0" ')
    spoilt = written(tmp_path / "spoilt.tar", members | {"bundle.json": changed})

    with pytest.raises(RefusedError, match=r"bundle.json in the bundle is not the one"):
        open_bundle(spoilt, workspace)


@pytest.mark.parametrize(
    ("part", "changes", "named"),
    [
        ("timestamp.json", {"expires": "2100-01-01T00:00:00Z"}, "not signed by the keys"),
        ("1.snapshot.json", {"expires": "2100-01-01T00:00:00Z"}, "mix-and-match"),
        ("1.targets.json", {"targets": {}}, "mix-and-match"),
    ],
)
def test_changed_metadata_is_refused_by_name(make, tmp_path, part, changes, named):
    members = members_of(make().path)
    members[f"metadata/{part}"] = edited(members[f"metadata/{part}"], **changes)
    with pytest.raises(RefusedError, match=named):
        open_bundle(written(tmp_path / "spoilt.tar", members), Workspace(tmp_path / "centre"))


def test_metadata_signed_by_another_workspace_is_refused(make, tmp_path, sources):
    from fleet.bundle import Wanted, make_bundle

    make()
    other = Workspace(tmp_path / "other")
    wanted = Wanted(name="kiosk", kind=Kind.GENERIC, version="9")
    target = tmp_path / "other.tar"
    make_bundle(other, sources[Kind.GENERIC], wanted, target, now=datetime.now(tz=UTC))

    with pytest.raises(RefusedError, match="not signed by the keys"):
        open_bundle(target, Workspace(tmp_path / "centre"))


def test_parts_of_two_bundles_are_no_bundle(make, workspace, tmp_path):
    first, second = members_of(make(version="1.0").path), members_of(make(version="2.0").path)
    mixed = second | {"bundle.json": first["bundle.json"], "payload.tar": first["payload.tar"]}
    old_targets = second | {"metadata/2.targets.json": first["metadata/1.targets.json"]}

    # The second listing has the first bundle too, so this is merely the first, by a newer listing.
    assert open_bundle(written(tmp_path / "a.tar", mixed), workspace).version == "1.0"
    with pytest.raises(RefusedError, match="mix-and-match"):
        open_bundle(written(tmp_path / "b.tar", old_targets), workspace)
    with pytest.raises(RefusedError, match="mix-and-match"):
        open_bundle(written(tmp_path / "b.tar", old_targets), _new_desk(workspace, tmp_path))


def test_a_bundle_whose_metadata_has_expired_is_refused(make, workspace):
    made = make(now=datetime.now(tz=UTC) - timedelta(days=100), days=90)

    with pytest.raises(RefusedError, match=r"expired.*freeze"):
        open_bundle(made.path, workspace)


def test_an_older_bundle_stays_good_until_it_is_withdrawn(make, workspace):
    first = make(version="1.0")
    make(version="2.0")
    assert open_bundle(first.path, workspace) == first

    make(version="3.0", withdrawn=("kiosk/1.0",))

    with pytest.raises(RefusedError, match=r"kiosk/1.0/bundle.json is no longer listed.*rollback"):
        open_bundle(first.path, workspace)


def test_after_a_restore_no_number_comes_twice(make, workspace):
    first = make(version="1.0")

    skip_numbers(workspace, 1000, now=datetime.now(tz=UTC))

    # The listing took 1002, so the next bundle has the one after.
    assert make(version="2.0").number == 1003
    assert open_bundle(first.path, workspace) == first


def test_a_version_is_made_once(make, tmp_path):
    make(version="1.0")
    (tmp_path / "generic-1.0.tar").unlink()

    with pytest.raises(InputError, match=r"kiosk/1.0 was made before"):
        make(version="1.0")
    assert not (tmp_path / "generic-1.0.tar").exists()


def test_a_root_key_alone_cannot_replace_the_others(make, workspace, tmp_path):
    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Metadata, Root

    from fleet.identity.keys import read_private

    members = members_of(make().path)
    root = Metadata[Root].from_bytes(members["metadata/1.root.json"])
    root.signed.version = 2
    root.signatures.clear()
    root.sign(CryptoSigner(read_private(workspace.keys / "bundle_root")), append=True)
    members["metadata/2.root.json"] = root.to_bytes()

    with pytest.raises(RefusedError, match="not signed by the keys"):
        open_bundle(written(tmp_path / "stolen.tar", members), workspace)


def test_what_is_no_bundle_is_named(workspace, tmp_path):
    (tmp_path / "text").write_text("no tar")

    with pytest.raises(InputError, match="cannot be read as a bundle"):
        open_bundle(tmp_path / "text", workspace)
    with pytest.raises(InputError, match="cannot be read as a bundle"):
        open_bundle(tmp_path / "nothing", workspace)


def test_a_bundle_is_meant_for_the_versions_that_it_names(make):
    made = make(from_versions=("1.8", "1.9"))

    assert [made.accepts(version) for version in ("1.9", "1.7", "")] == [True, False, False]
    assert make(version="2.0").accepts("")


def _new_desk(workspace, tmp_path):
    """Return a workspace that has the root alone, as one that is new has."""
    desk = Workspace(tmp_path / "desk")
    desk.keys.mkdir(parents=True)
    state = json.loads((workspace.keys / "bundles.json").read_text())
    (desk.keys / "bundles.json").write_text(json.dumps({"1.root": state["1.root"]}))
    return desk
