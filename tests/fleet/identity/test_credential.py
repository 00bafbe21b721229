import stat

import pytest

from fleet.identity.credential import Credential


@pytest.fixture
def credential():
    return Credential(private_key="-----BEGIN A SECRET-----\n", certificate="cert line")


def test_a_private_key_is_in_no_printed_form(credential):
    assert "SECRET" not in f"{credential!r} {credential}"


def test_the_files_for_openssh_are_their_owners_alone_and_go_in_the_end(credential):
    with credential.files() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
        assert (folder / "key").read_text() == "-----BEGIN A SECRET-----\n"
        assert (folder / "key-cert.pub").read_text() == "cert line\n"

    assert not folder.exists()


def test_a_key_without_certificate_leaves_no_file_for_one():
    with Credential(private_key="key").files() as folder:
        assert [path.name for path in folder.iterdir()] == ["key"]
