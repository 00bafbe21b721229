"""Updates as a relay takes them: the whole bundle, and no wave that nobody agreed to."""

import base64
import json
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from fleet.approval import Action, new_request
from fleet.errors import NotYetError, RefusedError
from fleet.relay.lane import RelayLane, _parcel, held_parts, keep_part
from fleet.relay.message import Kind
from fleet.wave import Wave

BUNDLE = b"whole" * 1000
DIGEST = sha256(BUNDLE).hexdigest()
SIZES = {"bytes_total": 5000, "part_bytes": 3000}


def part(number, content):
    encoded = base64.b64encode(content).decode()
    return {"bundle_sha256": DIGEST, "part": number, "content": encoded}


def test_a_bundle_is_used_once_all_of_it_is_there(prison):
    keep_part(prison.place, part(0, BUNDLE[:3000]))
    with pytest.raises(NotYetError, match="does not have the whole bundle"):
        _parcel(prison.place, DIGEST, SIZES)

    keep_part(prison.place, part(1, BUNDLE[3000:]))

    parcel = _parcel(prison.place, DIGEST, SIZES)
    assert b"".join(path.read_bytes() for path in parcel.parts) == BUNDLE
    assert held_parts(prison.place) == {DIGEST: [0, 1]}


def test_a_bundle_that_is_not_the_one_that_was_signed_is_thrown_away(prison):
    keep_part(prison.place, part(0, BUNDLE[:3000]))
    keep_part(prison.place, part(1, b"x" * 2000))

    with pytest.raises(NotYetError, match="not the one that was signed"):
        _parcel(prison.place, DIGEST, SIZES)

    assert held_parts(prison.place) == {DIGEST: []}


def test_a_relay_keeps_the_bundles_that_were_used_last(prison):
    digests = [sha256(bytes([number])).hexdigest() for number in range(4)]
    for number, digest in enumerate(digests):
        keep_part(prison.place, part(0, b"x") | {"bundle_sha256": digest})
        folder = prison.place.workspace.bundles / f"{digest}.parts"
        os.utime(folder, (number, number))

    assert set(held_parts(prison.place)) == set(digests[1:])


@pytest.mark.parametrize("name", ["../../../etc/cron.d", "a" * 63, "A" * 64 + "/.."])
def test_a_part_goes_nowhere_but_to_its_bundle(prison, name):
    with pytest.raises(RefusedError, match="no hash of a bundle"):
        keep_part(prison.place, part(0, b"") | {"bundle_sha256": name})


def update_of(prison):
    """Return an update of XAA that nobody agreed to, and what is said of a wave of it."""
    now = datetime.now(tz=UTC)
    request = new_request(
        Action.UPDATE,
        prison.devices(),
        scope="x",
        by="ben",
        now=now,
        expires=now + timedelta(hours=1),
        parameters={"bundle_sha256": DIGEST},
    )
    names = tuple(device.device for device in prison.devices())
    wave = Wave(
        site="XAA",
        coverage=True,
        devices=names,
        at_once=1,
        rate_mbps=1.0,
        prefetch_s=1.0,
        apply_s=1.0,
    )
    said = prison.order(request) | {
        "wave": asdict(wave),
        "certificate": "",
        "phase": "apply",
    }
    return request, said


def waves_told(prison):
    """Return what the relay's last report says of waves."""
    return json.loads(prison.mail.reports[-1]["message"])["said"]["waves"]


def test_a_wave_that_nobody_agreed_to_is_not_run(prison):
    prison.carry_out()
    _, said = update_of(prison)

    prison.mail.node.take(prison.sealed(Kind.WAVE, said, 1000))

    assert "more must agree" in waves_told(prison)["1000"]["why"]
    prison.carry_out()
    prison.mail.node.round()
    assert waves_told(prison) == {}


def test_no_wave_begins_after_its_request_was_stopped_though_it_was_sent_before(prison):
    prison.carry_out()
    request, said = update_of(prison)
    word = {"request": request.request, "status": "paused"}

    prison.mail.node.take(prison.sealed(Kind.WORD, word, 1001))
    prison.mail.node.take(prison.sealed(Kind.WAVE, said, 1000))
    prison.mail.node.take(prison.sealed(Kind.WAVE, said, 1002))

    told = waves_told(prison)
    assert told["1000"]["why"] == "the request is paused"
    assert "more must agree" in told["1002"]["why"]


def test_a_relay_that_was_killed_does_what_it_had_begun_and_does_it_once(prison):
    prison.carry_out()
    node, begun = prison.mail.node, []
    node.begin = begun.append
    asked = {"devices": [prison.devices()[0].device, prison.devices("XAB")[0].device]}
    for _ in range(2):
        node.take(prison.sealed(Kind.PROBE, asked, 1000))
    assert len(begun) == 1

    again = prison.node()
    again.resume()
    again.take(prison.sealed(Kind.PROBE, asked, 1000))

    assert waves_told(prison)["1000"] == {"answering": [prison.devices()[0].device]}
    assert prison.spoken_to == [prison.devices()[0].device]


def test_relays_ask_their_own_devices_and_the_centre_the_others(prison):
    asked_here = []

    def asks(devices):
        asked_here.extend(device.device for device in devices)
        return frozenset(asked_here)

    prison.carry_out()
    silent = prison.devices()[1].device
    prison.estate.wire.silent.add(silent)
    lane = RelayLane(centre=prison.centre, direct=None, asks=asks, operator="ben")

    found = lane.answering(prison.devices() + prison.devices("XAB"))

    assert asked_here == [d.device for d in prison.devices("XAB")]
    assert prison.spoken_to == [d.device for d in prison.devices()]
    assert found == {d.device for d in prison.registry.devices()} - {silent}
