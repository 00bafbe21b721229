"""Updates of enrolled devices in a rehearsal: real dpkg and apt, a full disk, a wrong clock."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from fleet.approval import inclusion, leaf
from fleet.approval.order import REQUESTED, signed
from fleet.bundle import Rules
from fleet.deploy import RECEIVE, DeployLane, Parcel, issued_by, parcel_of
from fleet.driver import Order
from fleet.errors import NotYetError, RefusedError
from fleet.rehearsal.lab import down
from fleet.wave import Wave
from tests.fleet.bundle.tablets import BUNDLES, TAKE, Tablets, generic_source


@pytest.fixture(scope="module")
def tablets(start_lab, tmp_path_factory):
    lab = start_lab(devices=18, prisons=1)
    yield Tablets(lab, tmp_path_factory.mktemp("tablets"))
    down(lab.workspace)


@pytest.fixture
def free(tablets, taken=[]):  # noqa: B006 - each device is one test's alone
    """Return a device that no test has touched."""
    taken.append(tablets.devices[len(taken)])
    return taken[-1]


def test_a_generic_bundle_is_applied_and_shown(tablets, free, tmp_path):
    source = generic_source(tmp_path / "a", "1.0")
    (source / "remove.txt").write_text("/opt/old\n")
    (source / "files/opt/kiosk/current").symlink_to("part-00")
    (tablets.root(free) / "opt/old").write_text("x")
    bundle = tablets.make("generic", "1.0", source, name="shown")

    proof = tablets.update(free, bundle)

    assert (proof.outcome, proof.why, proof.shown["version"]) == ("done", "", "1.0")
    assert proof.shown["update"] == {
        "version": "1.0",
        "bundle_sha256": bundle.sha256,
        "outcome": "applied",
        "why": "",
        "attempts": 1,
    }
    assert tablets.parts(free) == {"1.0"}
    assert not (tablets.root(free) / "opt/old").exists()
    assert (tablets.root(free) / "opt/kiosk/current").readlink().name == "part-00"


def test_a_bundle_whose_own_check_fails_leaves_everything_as_it_was(tablets, free, tmp_path):
    kept = tablets.root(free) / "opt/kiosk/part-00"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine\n")
    kept.chmod(0o640)
    bundle = tablets.make(
        "generic", "1.0", generic_source(tmp_path / "b", "1.0", post="echo no >&2; exit 3"), "bad"
    )

    proof = tablets.update(free, bundle)

    assert (proof.outcome, proof.shown["update"]["outcome"]) == ("failed", "restored")
    assert proof.why == "checks/post/check ended with 3: no"
    assert [path.name for path in kept.parent.iterdir()] == ["part-00"]
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("mine\n", 0o640)
    assert (tablets.root(free) / "run/wingspan/ready").exists()
    assert not (tablets.root(free) / "var/lib/wingspan/transaction").exists()


def test_real_packages_go_forward_and_back(tablets, free, tmp_path, build_package):
    def source(version, **scripts):
        folder = tmp_path / version
        folder.mkdir()
        files = {"/opt/kiosk/part-00": f"{version}\n", f"/opt/kiosk/only-{version}": "x"}
        build_package(folder, "wingspan-kiosk", version, files, **scripts)
        more = {"/usr/share/wingspan-data/table": f"{version}\n"}
        build_package(folder, "wingspan-data", version, more)
        return folder

    first = tablets.update(free, tablets.make("debian", "1.0", source("1.0"), "packages"))
    broken = source("2.0", postinst="#!/bin/sh\nexit 1\n")
    second = tablets.update(free, tablets.make("debian", "2.0", broken, "packages"))
    between = tablets.on(free, "dpkg-query", "-W", "-f", "${Version} ${Status}\n", "wingspan-*")
    third = tablets.update(free, tablets.make("debian", "3.0", source("3.0"), "packages"))

    assert (first.outcome, first.shown["version"]) == ("done", "1.0")
    assert (second.outcome, second.shown["version"]) == ("failed", "1.0")
    assert between == "1.0 install ok installed\n1.0 install ok installed\n"
    assert (third.outcome, third.shown["version"]) == ("done", "3.0")
    kiosk = tablets.root(free) / "opt/kiosk"
    assert sorted(path.name for path in kiosk.iterdir()) == ["only-3.0", "part-00"]
    assert tablets.on(free, "dpkg", "--audit") == ""


def test_rules_of_power_and_time_hold_without_using_the_order_up(tablets, free, tmp_path):
    bundle = tablets.make("generic", "1.0", generic_source(tmp_path / "c", "1.0"), "rules")
    folder = tablets.lab.rehearsal.folder(tablets.casings[free.device])
    battery = folder / "simulated/sys/class/power_supply/BAT0"
    tablets.bring(free, bundle)
    request = tablets.ask(free, bundle, Rules(battery_percent_min=60, charger=True))
    shut = tablets.ask(free, bundle, window_start_s=_now_s() + 7200, window_end_s=_now_s() + 7260)

    (battery / "capacity").write_text("59\n")
    (battery / "status").write_text("Charging\n")
    with pytest.raises(NotYetError, match="battery is at 59 %, and 60 % are asked for"):
        tablets.send(free, request)
    (battery / "capacity").write_text("60\n")
    (battery / "status").write_text("Discharging\n")
    with pytest.raises(NotYetError, match="not on its charger"):
        tablets.send(free, request)
    with pytest.raises(NotYetError, match="outside the window"):
        tablets.send(free, shut)
    (battery / "status").write_text("Charging\n")

    assert tablets.send(free, request).outcome == "done"


def _now_s():
    import time

    return int(time.time()) % 86400 % 70_000


def test_what_is_not_whole_or_not_here_is_refused_and_may_come_later(tablets, free, tmp_path):
    bundle = tablets.make("generic", "1.0", generic_source(tmp_path / "d", "1.0"), "spoilt")
    request = tablets.ask(free, bundle)

    with pytest.raises(NotYetError, match="bundle is not here yet"):
        tablets.send(free, request)
    tablets.bring(free, bundle)
    place = tablets.root(free) / BUNDLES / bundle.sha256
    place.write_bytes(place.read_bytes().replace(b"xxxx", b"xxyx", 1))
    with pytest.raises(NotYetError, match="not as it was signed; it was thrown away"):
        tablets.send(free, request)
    assert not place.exists()
    tablets.bring(free, bundle)

    assert tablets.send(free, request).outcome == "done"


def test_an_unknown_version_and_an_older_bundle_are_refused(tablets, free, tmp_path):
    old = tablets.make("generic", "1.0", generic_source(tmp_path / "e", "1.0"), "steps")
    new = tablets.make("generic", "2.0", generic_source(tmp_path / "f", "2.0"), "steps")
    later = generic_source(tmp_path / "g", "9.0")
    odd = tablets.make("generic", "9.0", later, "steps", from_versions=("7.0", "8.0"))
    tablets.update(free, new)

    with pytest.raises(RefusedError, match=r"runs 2.0, and it is for 7.0 or 8.0"):
        tablets.update(free, odd)
    with pytest.raises(RefusedError, match=r"older than .* which it has had \(rollback\)"):
        tablets.update(free, old)
    with pytest.raises(RefusedError, match="another kind or version than was signed"):
        tablets.update(free, new, version="3.0")
    assert tablets.parts(free) == {"2.0"}


@pytest.mark.parametrize("kind", ["generic", "debian"])
def test_a_disk_that_fills_in_mid_update_loses_nothing(
    tablets, free, tmp_path, build_package, kind
):
    filling = "fallocate -l $(df --output=avail -B1 / | tail -1) /opt/filling; sync -f /"
    if kind == "generic":
        source = generic_source(tmp_path / "h", "2.0", parts=2)
        before = generic_source(tmp_path / "i", "1.0", parts=2)
        (source / "files/opt/kiosk/part-01").write_text("2.0\n" + "y" * 8_000_000)
        (source / "checks/post").mkdir(parents=True)
        check = source / "checks/post/check"
    else:
        before, source = tmp_path / "i", tmp_path / "h"
        for folder, version in ((before, "1.0"), (source, "2.0")):
            folder.mkdir()
            fill = f"#!/bin/sh\n{filling}\n" if version == "2.0" else "#!/bin/sh\n"
            build_package(
                folder, "full-a", version, {"/opt/kiosk/part-00": f"{version}\n"}, postinst=fill
            )
            build_package(
                folder, "full-b", version, {"/opt/kiosk/part-01": f"{version}\n" + "y" * 900_000}
            )
    name = f"full-{kind}"
    tablets.update(free, tablets.make(kind, "1.0", before, name))
    if kind == "generic":
        check.write_text(f"#!/bin/sh\n{filling}\ncat /dev/zero >/opt/kiosk/rest\n")
        check.chmod(0o755)
    bundle = tablets.make(kind, "2.0", source, name)

    proof = tablets.update(free, bundle)

    assert (proof.outcome, proof.shown["version"]) == ("failed", "1.0"), proof.why
    assert tablets.parts(free) == {"1.0"}
    tablets.on(free, "rm", "-f", "/opt/filling", "/opt/kiosk/rest")
    if kind == "debian":
        assert tablets.on(free, "dpkg", "--audit") == ""


def test_a_disk_without_room_is_found_before_anything_is_touched(tablets, free, tmp_path):
    bundle = tablets.make("generic", "1.0", generic_source(tmp_path / "j", "1.0"), "room")
    request = tablets.ask(free, bundle)
    tablets.bring(free, bundle)

    with (
        tablets.lab.fault("fill", tablets.serial(free)),
        pytest.raises(NotYetError, match="the disk has not the"),
    ):
        tablets.send(free, request)
    assert tablets.send(free, request).outcome == "done"


def test_a_clock_an_hour_behind_waits_and_an_hour_ahead_goes_on(tablets, free, tmp_path):
    bundle = tablets.make("generic", "1.0", generic_source(tmp_path / "k", "1.0"), "clock")
    request = tablets.ask(free, bundle)
    tablets.bring(free, bundle)
    known = tablets.root(free) / "var/lib/wingspan/clock"
    known.unlink(missing_ok=True)
    (tablets.root(free) / "run/order.json").write_bytes(tablets.envelope(free, request))

    def take(shift):
        faked = f"faketime -f '{shift}' python3 -I -S -E {TAKE} take </run/order.json || true"
        return json.loads(tablets.on(free, "sh", "-c", faked))

    with (
        tablets.lab.fault("clock", tablets.serial(free), "-3600"),
        pytest.raises(RefusedError, match=r"refuses the login .* certificate .* is valid from"),
    ):
        tablets.send(free, request)  # Its sshd takes no certificate of ours.
    behind, ahead = take("-3600s"), take("+3600s")

    assert behind["later"]
    assert re.fullmatch(r"this device's clock is 3\d{3} s behind who asked", behind["refused"])
    assert json.loads(ahead["proof"])["outcome"] == "done"


def test_an_update_that_does_not_end_goes_back_at_its_deadline(tablets, free, tmp_path):
    slow = generic_source(tmp_path / "l", "1.0", parts=1, post="sleep 600")
    bundle = tablets.make("generic", "1.0", slow, "slow")

    proof = tablets.update(free, bundle, deadline_s=3)

    assert (proof.outcome, proof.shown["update"]["outcome"]) == ("failed", "restored")
    assert "timed out" in proof.why
    assert tablets.parts(free) == set()


def test_a_lock_overtakes_an_update_and_the_session_stays_shut_out(tablets, free, tmp_path):
    slow = generic_source(
        tmp_path / "m", "1.0", parts=1, post="until [ -e /run/go ]; do sleep 0.1; done"
    )
    bundle = tablets.make("generic", "1.0", slow, "overtaken")
    tablets.bring(free, bundle)
    request = tablets.ask(free, bundle)
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(tablets.send, free, request)
        tablets.lab.wait_until((tablets.root(free) / "opt/kiosk/part-00").exists)
        code, locked = tablets.office.answer(
            "ben", "lock", f"device:{free.device}", "--level", "notice", "--yes"
        )
        under_way = tablets.prove(free, request)
        shut = not (tablets.root(free) / "run/wingspan/ready").exists()
        tablets.on(free, "touch", "/run/go")
        ended = update.result()

    assert (code, [one["device"] for one in locked["proven"]]) == (0, [free.device])
    assert (under_way.outcome, under_way.level, shut) == ("begun", "notice", True)
    assert (ended.outcome, ended.level) == ("done", "notice")


def test_a_prefetch_says_what_is_here_and_takes_over_what_was_brought(tablets, free, tmp_path):
    bundle = tablets.make("generic", "1.0", generic_source(tmp_path / "n", "1.0"), "brought")
    request = tablets.ask(free, bundle)
    program = "/usr/local/lib/wingspan/wingspan_update.py"

    def prefetch(**source):
        asked = json.loads(tablets.envelope(free, request)) | {"source": source}
        (tablets.root(free) / "run/asked.json").write_text(json.dumps(asked))
        command = f"python3 -I -S -E {program} prefetch </run/asked.json || true"
        return json.loads(tablets.on(free, "sh", "-c", command))

    nothing = prefetch()
    incoming = tablets.root(free) / "var/lib/wingspan/incoming"
    incoming.write_bytes(bundle.path.read_bytes()[:-1])
    spoilt = prefetch(path="/var/lib/wingspan/incoming")
    incoming.write_bytes(bundle.path.read_bytes())
    whole = prefetch(path="/var/lib/wingspan/incoming")

    assert nothing == {"bundle_sha256": bundle.sha256, "have": 0, "complete": False}
    assert "thrown away" in spoilt["refused"]
    assert whole == {"bundle_sha256": bundle.sha256, "have": bundle.bytes, "complete": True}
    assert tablets.send(free, request).outcome == "done"


@pytest.fixture
def lane(tablets):
    """Return the deploy lane of the centre."""
    issue = issued_by(tablets.identity, "asha")
    return DeployLane(credential=issue, carrier=tablets.lab.transport)


WAVE = Wave(
    site="XAA",
    coverage=False,
    devices=(),
    at_once=1,
    rate_mbps=50.0,
    prefetch_s=300.0,
    apply_s=300.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Parcel):
    """A parcel that notes from where on its bytes were asked for."""

    asked: list[int]

    def since(self, offset):
        self.asked.append(offset)
        return Parcel.since(self, offset)


def parcel_for(tablets, free, folder, name):
    """Return a bundle as it is sent, its order, and the bundle."""
    bundle = tablets.make("generic", "1.0", generic_source(folder, "1.0"), name)
    request = tablets.ask(free, bundle)
    asked = signed(request, operator="ben", key=tablets.office.keys["ben"], namespace=REQUESTED)
    (included,) = inclusion([leaf(free.device, free.nonce)])
    order = Order(request=request, signatures=(asked,), included=included)
    cut = parcel_of(bundle.path, folder / "parts", part_bytes=400_000)
    noted = Noted(parts=cut.parts, bytes_total=cut.bytes_total, part_bytes=400_000, asked=[])
    return noted, {free.device: order}, bundle


def test_bytes_that_were_cut_off_go_on_where_they_stopped(tablets, lane, free, tmp_path):
    parcel, orders, bundle = parcel_for(tablets, free, tmp_path / "o", "cut")
    whole = bundle.path.read_bytes()
    half = orders[free.device].encoded("") + b"\n" + whole[:700_000]
    (tablets.root(free) / "run/half").write_bytes(half)

    said = tablets.on(free, "sh", "-c", f"{RECEIVE} </run/half || true").splitlines()
    there = lane.prefetch(WAVE, [free], orders, parcel)
    again = lane.prefetch(WAVE, [free], orders, parcel)

    assert json.loads(said[0]) == {"bundle_sha256": bundle.sha256, "have": 0, "complete": False}
    missing = f"{bundle.bytes - 700_000} bytes of the bundle did not come"
    assert json.loads(said[1]) == {"refused": missing, "later": True}
    assert (there, again, parcel.asked) == ({free.device: ""}, {free.device: ""}, [700_000])
    assert (tablets.root(free) / BUNDLES / bundle.sha256).read_bytes() == whole
    assert list((tablets.root(free) / "var/lib/wingspan/incoming").iterdir()) == []


def test_bytes_of_another_bundle_are_thrown_away_and_the_right_ones_come(
    tablets, lane, free, tmp_path
):
    parcel, orders, bundle = parcel_for(tablets, free, tmp_path / "p", "mixed")
    incoming = tablets.root(free) / "var/lib/wingspan/incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    (incoming / bundle.sha256).write_bytes(b"of another" * 1000)

    mixed = lane.prefetch(WAVE, [free], orders, parcel)
    there = lane.prefetch(WAVE, [free], orders, parcel)

    assert "not the bundle that was signed; it was thrown away" in mixed[free.device]
    assert (there, parcel.asked) == ({free.device: ""}, [10_000, 0])


def test_a_bundle_that_has_no_room_is_not_sent(tablets, lane, free, tmp_path):
    parcel, orders, _ = parcel_for(tablets, free, tmp_path / "q", "large")

    with tablets.lab.fault("fill", tablets.serial(free)):
        full = lane.prefetch(WAVE, [free], orders, parcel)
    there = lane.prefetch(WAVE, [free], orders, parcel)

    assert re.fullmatch(r"\d+ MB are free, and \d+ MB are needed", full[free.device]), full
    assert (there, parcel.asked) == ({free.device: ""}, [0])


def test_an_image_is_refused_where_there_is_no_second_slot(tablets, free, tmp_path):
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "root.img").write_bytes(b"system" * 10_000)
    bundle = tablets.make("rauc", "1.0", folder, "image", compatible="tablet")

    with pytest.raises(RefusedError, match="no second slot for a rauc image"):
        tablets.update(free, bundle)
