"""The playbooks on devices of a rehearsal: real OpenSSH, real nftables."""

import json
from dataclasses import replace

import pytest

from fleet.enrolment import Centre
from fleet.enrolment.contact import common_order
from fleet.identity import Identity, Lane
from fleet.identity.credential import Credential
from fleet.playbook import Outcome, Play, play
from fleet.ssh import Target, host_key_of, open_session

BASELINE = {
    "wingspan_management": [],
    "wingspan_relay": [{"network": "198.18.0.1/32", "protocol": "tcp", "port": 443}],
    "wingspan_kiosk_program": "/usr/bin/chromium --kiosk https://start.example",
}


@pytest.fixture
def targets(lab):
    """Return a function that gives devices of the lab as a playbook reaches them."""
    return lambda devices: [
        Target(
            device=device.name,
            address=str(device.address),
            port=22,
            user="root",
            host_key=host_key_of(str(device.address), 22, lab.transport, timeout_s=60),
        )
        for device in devices
    ]


@pytest.fixture
def bootstrap(lab):
    """Return the key that a device out of the factory takes."""
    return Credential(private_key=(lab.workspace.keys / "bootstrap").read_text())


def test_the_baseline_is_in_force_after_it_and_a_second_run_finds_nothing(lab, targets, bootstrap):
    work = Play(playbook="baseline", targets=targets(lab.devices[:2]), variables=BASELINE)

    first = play(work, bootstrap, lab.transport)
    second = play(work, bootstrap, lab.transport)

    assert [(r.outcome, r.why) for r in first.results] == [(Outcome.CHANGED, "")] * 2
    assert [r.outcome for r in second.results] == [Outcome.UNCHANGED] * 2
    listed = lab.ssh(lab.devices[0], "nft list ruleset")
    assert "policy drop" in listed
    assert "ip daddr 198.18.0.1 tcp dport 443 accept" in listed
    masked = lab.ssh(lab.devices[0], "readlink /etc/systemd/system/apt-daily.timer")
    assert masked.strip() == "/dev/null"


def test_rules_that_were_flushed_by_hand_come_back(lab, targets, bootstrap):
    device = lab.devices[2]
    work = Play(playbook="baseline", targets=targets([device]), variables=BASELINE)
    play(work, bootstrap, lab.transport)
    lab.ssh(device, "nft flush ruleset")

    run = play(work, bootstrap, lab.transport)

    assert run.results[0].answer["differed"] == ["firewall"]
    assert "policy drop" in lab.ssh(device, "nft list ruleset")


def test_a_firewall_that_is_none_is_refused_and_the_old_one_stays(lab, targets, bootstrap):
    device = lab.devices[3]
    work = Play(playbook="baseline", targets=targets([device]), variables=BASELINE)
    play(work, bootstrap, lab.transport)
    before = lab.ssh(device, "nft -s list ruleset")
    broken = {**BASELINE, "wingspan_management": ["anywhere"]}

    run = play(
        Play(playbook="baseline", targets=targets([device]), variables=broken),
        bootstrap,
        lab.transport,
    )

    assert run.results[0].outcome is Outcome.FAILED
    assert "anywhere" in run.results[0].why
    assert lab.ssh(device, "nft -s list ruleset") == before


def test_the_facts_are_those_of_the_devices_own_program(lab, targets, bootstrap):
    reached = targets(lab.devices[4:6])
    play(Play(playbook="baseline", targets=reached, variables=BASELINE), bootstrap, lab.transport)
    program = "/usr/local/lib/wingspan/wingspan_device.py"

    run = play(
        Play(playbook="facts", targets=reached, variables={"wingspan_program": program}),
        bootstrap,
        lab.transport,
    )

    assert [(r.outcome, r.why) for r in run.results] == [(Outcome.UNCHANGED, "")] * 2
    facts = run.results[0].answer["facts"]
    assert facts["os"].startswith("debian 12")
    assert "battery_percent" in facts["simulated"]


def test_a_device_out_of_the_factory_is_made_ours_and_keeps_its_old_way_in(
    lab, targets, bootstrap, tmp_path
):
    identity, _ = Identity.make(lab.workspace, operator="asha")
    centre = Centre(identity=identity, transport=lab.transport, operator="asha")
    (target,) = targets(lab.devices[7:8])
    each = {target.device: {"device": target.device, "prison_id": "XAA", "nonce": "0a1b"}}
    order = tmp_path / "order.json"
    order.write_text(json.dumps({"all": common_order(centre), "each": each, "close": False}))
    work = Play(playbook="enrol", targets=[target], variables={"wingspan_order_file": str(order)})

    first = play(work, bootstrap, lab.transport)
    second = play(work, bootstrap, lab.transport)

    assert [(r.outcome, r.why) for r in first.results] == [(Outcome.CHANGED, "")]
    assert [(r.outcome, r.why) for r in second.results] == [(Outcome.UNCHANGED, "")]
    broker = identity.credential(Lane.BROKER, operator="asha", purpose="test")
    asked = replace(target, user="wingspan")
    with open_session(asked, broker, lab.transport, timeout_s=60) as session:
        assert json.loads(session.run("probe", timeout_s=60).stdout)["nonce"] == "0a1b"
