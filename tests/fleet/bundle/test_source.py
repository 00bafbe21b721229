import pytest

from fleet.bundle.manifest import Kind
from fleet.bundle.source import forbidden, read_source
from fleet.errors import InputError


def test_every_fault_of_a_folder_is_named_at_once(tmp_path):
    (tmp_path / "files/etc/wingspan").mkdir(parents=True)
    (tmp_path / "files/etc/wingspan/page").write_text("x")
    (tmp_path / "remove.txt").write_text("/opt/a\nopt/b\n/proc/c\n")
    (tmp_path / "checks/post").mkdir(parents=True)
    (tmp_path / "checks/post/plain").write_text("x")
    (tmp_path / "checks/stray").write_text("x")

    with pytest.raises(InputError) as caught:
        read_source(tmp_path, Kind.GENERIC)

    assert [f"{p.file} {p.place}".strip() for p in caught.value.problems] == [
        "files/etc/wingspan/page",
        "remove.txt line 2",
        "remove.txt line 3",
        "checks/post/plain",
        "checks/stray",
    ]


def test_what_is_no_package_and_what_is_there_twice_is_named(tmp_path, build_package):
    build_package(tmp_path, "a", "1")
    build_package(tmp_path, "a", "2")
    (tmp_path / "b.deb").write_bytes(b"nothing")

    with pytest.raises(InputError) as caught:
        read_source(tmp_path, Kind.DEBIAN)

    assert [problem.file for problem in caught.value.problems] == ["a_2_all.deb", "b.deb"]


def test_a_package_cannot_bring_what_no_bundle_may_touch(tmp_path, build_package):
    files = {"/opt/kiosk/a": "x", "/var/lib/wingspan/used/a.json": "{}"}
    build_package(tmp_path, "a", "1", files)

    with pytest.raises(InputError) as caught:
        read_source(tmp_path, Kind.DEBIAN)

    (problem,) = caught.value.problems
    assert problem.what.startswith("/var/lib/wingspan/used/a.json: a bundle changes nothing")


@pytest.mark.parametrize("kind", list(Kind))
def test_an_empty_folder_is_no_bundle(tmp_path, kind):
    with pytest.raises(InputError) as caught:
        read_source(tmp_path, kind)
    assert len(caught.value.problems) == 1


def test_a_bundle_cannot_reach_what_wingspan_is_on_a_device():
    assert forbidden("/usr/local/lib/wingspan/wingspan_order.py")
    assert forbidden("/opt/../etc/ssh/sshd_config")
    assert forbidden("opt/a")
    assert not forbidden("/usr/local/lib/wingspan-kiosk/start")
