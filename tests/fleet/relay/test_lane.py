"""Updates as a relay takes them: the whole bundle, and no wave that nobody agreed to."""

import base64
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from fleet.approval import Action, new_request
from fleet.errors import NotYetError, RefusedError
from fleet.relay.lane import _parcel, held_parts, keep_part
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


@pytest.mark.parametrize("name", ["../../../etc/cron.d", "a" * 63, "A" * 64 + "/.."])
def test_a_part_goes_nowhere_but_to_its_bundle(prison, name):
    with pytest.raises(RefusedError, match="no hash of a bundle"):
        keep_part(prison.place, part(0, b"") | {"bundle_sha256": name})


def test_a_wave_that_nobody_agreed_to_is_not_run(prison):
    prison.carry_out()
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

    prison.mail.node.take(prison.sealed(Kind.WAVE, said, 1000))

    told = json.loads(prison.mail.reports[-1]["message"])["said"]["waves"]
    assert "more must agree" in told["1000"]["why"]
    prison.carry_out()
    prison.mail.node.round()
    assert json.loads(prison.mail.reports[-1]["message"])["said"]["waves"] == {}
