"""Playbooks on enrolled devices of a rehearsal: their certificates, their order, their answers."""

from dataclasses import replace

import pytest

from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.errors import FleetError
from fleet.identity import Identity, Lane
from fleet.operation import Operation, operate, order_variables
from fleet.playbook import Outcome
from fleet.registry import Registry

PATIENCE_S = 60
BASELINE = {
    "wingspan_management": [],
    "wingspan_relay": [],
    "wingspan_kiosk_program": "/usr/bin/true",
}


@pytest.fixture(scope="module")
def centre(lab):
    identity, _ = Identity.make(lab.workspace, operator="asha")
    return Centre(identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S)


@pytest.fixture(scope="module")
def devices(lab, centre):
    """Return six live devices, by name."""
    with Registry.create(lab.workspace.settings().database) as registry:
        listed = read_candidates(lab.workspace.devices_csv)[:6]
        results = enrol_devices(centre, registry, plan(registry, listed))
        assert all(result.done for result in results), results
        return registry.devices()


def test_enrolled_devices_answer_for_their_facts_over_the_deploy_lane(lab, centre, devices):
    asked = Operation(playbook="facts", changes=False)

    results = operate(centre, lab.transport, asked, devices[:2])

    assert [(r.device, r.outcome, r.why) for r in results] == [
        (device.device, Outcome.UNCHANGED, "") for device in devices[:2]
    ]
    assert [r.answer["facts"]["device"] for r in results] == [d.device for d in devices[:2]]


def test_what_enrolment_wrote_is_written_again_where_it_differs(lab, centre, devices, tmp_path):
    variables = order_variables(centre, devices[:2], tmp_path)
    enrol = Operation(playbook="enrol", changes=True, variables=variables)
    program = "/usr/local/lib/wingspan/wingspan_device.py"
    lab.rehearsal.on(lab.devices[1], ["sh", "-c", f"echo '#' >> {program}"])

    results = operate(centre, lab.transport, enrol, devices[:2])
    again = operate(centre, lab.transport, enrol, devices[:2])

    assert [r.outcome for r in results] == [Outcome.UNCHANGED, Outcome.CHANGED], results
    assert results[1].answer["differed"] == [program]
    assert results[1].answer["wrong"] == []
    assert [r.outcome for r in again] == [Outcome.UNCHANGED] * 2


def test_when_the_first_device_lets_nobody_in_no_other_is_met(lab, centre, devices):
    shut = {**BASELINE, "wingspan_management": ["192.0.2.0/24"]}
    baseline = Operation(playbook="baseline", changes=True, variables=shut)

    hasty = replace(centre, timeout_s=10)

    first, *others = operate(hasty, lab.transport, baseline, devices[2:5])

    assert first.outcome is Outcome.FAILED
    assert "does not let us in afterwards" in first.why
    assert [r.outcome for r in others] == [Outcome.UNKNOWN] * 2
    assert all(f"not begun: {first.device}" in r.why for r in others)
    assert "192.0.2.0" not in lab.rehearsal.on(lab.devices[3], ["nft", "list", "ruleset"])


def test_a_firewall_that_shuts_us_out_is_taken_back_by_the_device_itself(lab, centre, devices):
    device = devices[5]
    shut = {**BASELINE, "wingspan_management": ["192.0.2.0/24"], "wingspan_confirm_within_s": 20}
    baseline = Operation(playbook="baseline", changes=True, variables=shut)

    (locked,) = operate(replace(centre, timeout_s=5), lab.transport, baseline, [device])
    assert (locked.outcome, "goes back by itself" in locked.why) == (Outcome.FAILED, True)
    lab.wait_until(lambda: opens(centre, device))

    shown = lab.rehearsal.on(lab.devices[5], ["sh", "-c", "nft list ruleset; ls /etc/wingspan"])
    assert "192.0.2.0" not in shown
    assert "firewall.json" not in shown  # As before the first firewall of ours.


def test_a_firewall_that_lets_us_in_again_stays(lab, centre, devices):
    device = devices[1]
    sure = {**BASELINE, "wingspan_management": ["198.18.0.0/15"], "wingspan_confirm_within_s": 20}
    baseline = Operation(playbook="baseline", changes=True, variables=sure)

    (changed,) = operate(centre, lab.transport, baseline, [device])

    trial = lab.rehearsal.on(lab.devices[1], ["sh", "-c", "ls /var/lib/wingspan"])
    assert (changed.outcome, changed.answer["trial"]) == (Outcome.CHANGED, True)
    assert "firewall-trial.json" not in trial


def test_a_firewall_on_trial_does_not_outlive_a_boot(lab, centre, devices):
    device, in_lab = devices[2], lab.devices[2]
    shut = {**BASELINE, "wingspan_management": ["192.0.2.0/24"]}
    baseline = Operation(playbook="baseline", changes=True, variables=shut)

    operate(replace(centre, timeout_s=5), lab.transport, baseline, [device])
    with lab.fault("power-off", in_lab.serial):
        pass

    lab.wait_until(lambda: opens(centre, device))


def opens(centre, device):
    """Say whether a device lets root in anew, without waiting long for it."""
    try:
        replace(centre, timeout_s=5).session(device, Lane.DEPLOY, purpose="test").close()
    except FleetError:
        return False
    return True


def test_a_run_that_was_stopped_asks_its_devices_and_begins_no_other(lab, centre, devices):
    answers = iter([False])
    baseline = Operation(playbook="baseline", changes=True, variables=BASELINE)

    first, other = operate(
        centre, lab.transport, baseline, devices[4:6], stopped=lambda: next(answers, True)
    )

    # The first may be done by the time that Ansible hears of the stop; then nobody is asked.
    assert first.outcome in {Outcome.UNKNOWN, Outcome.CHANGED}
    if first.outcome is Outcome.UNKNOWN:
        assert first.answer["facts"]["device"] == devices[4].device
    assert other.outcome is Outcome.UNKNOWN
    assert "not begun" in other.why
