"""Bundles as people make them and look into them."""

import pytest

from tests.project.test_documentation import undocumented

MAKE = ("bundle", "make", "--kind", "generic", "--name", "kiosk")


@pytest.fixture
def folder(tmp_path):
    """Return a folder with one file for devices."""
    folder = tmp_path / "kiosk"
    (folder / "files/opt").mkdir(parents=True)
    (folder / "files/opt/page").write_text("two\n")
    return folder


def test_a_bundle_is_made_verified_and_shown(desk, folder, tmp_path):
    target = tmp_path / "kiosk.tar"
    make = (*MAKE, "--bundle-version", "2.0", "--from", str(folder), "--out", str(target))

    made = desk.answer(*make, "--from-version", "1.0")
    verified = desk.answer("bundle", "verify", str(target))
    shown = desk.answer("bundle", "show", str(target))

    assert made == verified == shown
    assert (made["name"], made["version"], made["number"]) == ("kiosk", "2.0", 1)
    assert made["from_versions"] == ["1.0"]
    assert [file["path"] for file in made["files"]] == ["/opt/page"]
    assert not undocumented(made)


def test_a_spoilt_bundle_is_refused_and_logged(desk, folder, tmp_path):
    target = tmp_path / "kiosk.tar"
    desk.run(*MAKE, "--bundle-version", "2.0", "--from", str(folder), "--out", str(target))
    target.write_bytes(target.read_bytes().replace(b"two\n", b"six\n"))

    refused = desk.run("bundle", "verify", str(target), code=6)

    assert "payload.tar in the bundle is not the one that was signed" in refused.stderr
    assert "try: get the bundle again" in refused.stderr


def test_every_fault_of_a_folder_is_named_and_nothing_is_written(desk, folder, tmp_path):
    (folder / "remove.txt").write_text("/proc/a\nb\n")
    target = tmp_path / "kiosk.tar"

    made = desk.run(
        *MAKE, "--bundle-version", "a/b", "--from", str(folder), "--out", str(target), code=3
    )
    assert "--bundle-version: 'a/b' is no name" in made.stderr
    listed = desk.run(
        *MAKE, "--bundle-version", "2", "--from", str(folder), "--out", str(target), code=3
    )
    assert "remove.txt line 1" in listed.stderr
    assert "remove.txt line 2" in listed.stderr
    assert not target.exists()
