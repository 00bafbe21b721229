import stat

import pytest

from fleet.errors import InputError, RefusedError
from fleet.identity.keys import checked_public, make_key, new_key, read_private, read_public
from fleet.identity.signature import sign, verify


def test_a_key_is_its_owners_alone(tmp_path):
    make_key(tmp_path / "ca")

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca", "ca.pub"]


def test_a_key_that_is_there_is_never_overwritten(tmp_path):
    make_key(tmp_path / "ca")
    before = (tmp_path / "ca").read_bytes()

    assert not make_key(tmp_path / "ca")
    assert (tmp_path / "ca").read_bytes() == before


def test_a_lost_public_half_is_written_again(tmp_path):
    make_key(tmp_path / "ca")
    before = (tmp_path / "ca.pub").read_text()
    (tmp_path / "ca.pub").unlink()
    make_key(tmp_path / "ca")

    assert (tmp_path / "ca.pub").read_text() == before


def test_a_lost_private_half_is_not_replaced_by_another_key(tmp_path):
    make_key(tmp_path / "ca")
    (tmp_path / "ca").unlink()

    with pytest.raises(RefusedError, match="devices may still trust it"):
        make_key(tmp_path / "ca")


def test_a_key_that_others_may_read_is_refused(tmp_path):
    make_key(tmp_path / "ca")
    (tmp_path / "ca").chmod(0o640)

    with pytest.raises(RefusedError, match="others may read"):
        read_private(tmp_path / "ca")


def test_openssh_reads_our_keys(tmp_path, keygen):
    make_key(tmp_path / "ca")

    assert keygen("-y", "-f", tmp_path / "ca").split()[:2] == read_public(tmp_path / "ca").split()


def test_the_comment_of_a_public_key_is_left_out():
    _, public = new_key()

    assert checked_public(f"{public} ben@desk") == public


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "hello there"])
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(InputError, match="not a public key"):
        checked_public(text)


def test_a_signature_holds_for_its_data_key_and_purpose_alone(tmp_path):
    make_key(tmp_path / "one")
    make_key(tmp_path / "other")
    public = read_public(tmp_path / "one")
    signature = sign(b"text", key=tmp_path / "one", namespace="a")

    verify(b"text", signature, public=public, namespace="a")
    for data, key, namespace in (
        (b"Text", public, "a"),
        (b"text", read_public(tmp_path / "other"), "a"),
        (b"text", public, "b"),
    ):
        with pytest.raises(RefusedError, match="signature does not hold"):
            verify(data, signature, public=key, namespace=namespace)
