"""A bundle in parts."""

import pytest

from fleet.deploy import parcel_of


def test_the_parts_are_the_bundle_in_its_order(tmp_path):
    content = bytes(range(256)) * 10
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(content)

    parcel = parcel_of(bundle, tmp_path / "parts", part_bytes=1000)

    assert [part.stat().st_size for part in parcel.parts] == [1000, 1000, 560]
    assert b"".join(part.read_bytes() for part in parcel.parts) == content
    assert (parcel.bytes_total, parcel.part_bytes) == (2560, 1000)


@pytest.mark.parametrize("have", [0, 1, 999, 1000, 2000, 2559, 2560])
def test_what_a_device_lacks_begins_where_it_stopped(tmp_path, have):
    content = bytes(range(256)) * 10
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(content)
    parcel = parcel_of(bundle, tmp_path / "parts", part_bytes=1000)

    assert b"".join(parcel.since(have)) == content[have:]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (b'{"complete": false, "have": 6}', b"6789"),
        (b'{"complete": false, "have": -6}', b"0123456789"),
        (b'{"complete": false, "have": 60}', b""),
        (b'{"complete": true, "have": 10}', b""),
        (b'{"refused": "another order"}', b""),
        (b'{"complete": false}', b""),
        (b'{"complete": false, "have": "6"}', b""),
        (b"[]", b""),
        (b"\xff", b""),
        (b"[" * 100_000, b""),
        (b"", b""),
    ],
)
def test_what_a_device_says_of_itself_is_not_trusted_to_make_sense(tmp_path, said, sent):
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(b"0123456789")
    parcel = parcel_of(bundle, tmp_path / "parts", part_bytes=4)

    assert b"".join(parcel.after(said)) == sent


def test_a_part_that_was_cut_off_is_cut_anew(tmp_path):
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(b"0123456789")
    first = parcel_of(bundle, tmp_path / "parts", part_bytes=4).parts[1]
    first.write_bytes(b"4")

    again = parcel_of(bundle, tmp_path / "parts", part_bytes=4).parts[1]

    assert again.read_bytes() == b"4567"
