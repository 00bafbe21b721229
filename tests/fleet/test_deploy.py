"""A bundle in parts."""

from fleet.deploy import parcel_of


def test_the_parts_are_the_bundle_in_its_order(tmp_path, monkeypatch):
    content = bytes(range(256)) * 10
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(content)
    monkeypatch.chdir(tmp_path)

    parcel = parcel_of(bundle, (tmp_path / "parts").relative_to(tmp_path), part_bytes=1000)

    assert [part.stat().st_size for part in parcel.parts] == [1000, 1000, 560]
    assert b"".join(part.read_bytes() for part in parcel.parts) == content
    assert all(part.is_absolute() for part in parcel.parts)
    assert (parcel.bytes_total, parcel.part_bytes) == (2560, 1000)


def test_a_part_that_was_cut_off_is_cut_anew(tmp_path):
    bundle = tmp_path / "bundle.tar"
    bundle.write_bytes(b"0123456789")
    first = parcel_of(bundle, tmp_path / "parts", part_bytes=4).parts[1]
    first.write_bytes(b"4")

    again = parcel_of(bundle, tmp_path / "parts", part_bytes=4).parts[1]

    assert again.read_bytes() == b"4567"
