"""One device asked over a real sshd whose only command is the device's program."""

import socket
import time
from dataclasses import replace

import pytest

from fleet.device import Device
from fleet.errors import HostKeyChangedError, NotProvenError, RefusedError, UnreachableError
from fleet.health.probe import Lane, Patience, ask, renewed

LONG = Patience(login_s=60, answer_s=60)
SHORT = Patience(login_s=60, answer_s=0.5)


@pytest.fixture
def asked(loopback):
    """Return a function that asks an sshd as a sweep would."""

    def ask_it(sshd, *, patience=LONG, **changed):
        device = Device(
            device=sshd.target.device,
            serial="1",
            address=sshd.target.address,
            port=sshd.target.port,
            host_key=sshd.target.host_key,
        )
        lane = Lane(credential=lambda: sshd.credential, transport=loopback, user=sshd.target.user)
        return ask(replace(device, **changed), lane, patience)

    return ask_it


def test_a_device_answers_with_its_facts_and_what_ssh_tells_of_it(asked, broker_sshd):
    facts = asked(broker_sshd).report.facts

    assert facts["key_exchange"] == "curve25519-sha256@libssh.org"
    assert facts["openssh"][0].isdigit()
    assert {"uptime_s", "disk_free_percent", "round_trip_s"} <= facts.keys()
    assert facts["clock_offset_s"] == 0  # It is this machine's clock.


def test_a_probe_takes_one_connection_and_one_command(asked, broker_sshd):
    asked(broker_sshd)
    log = (broker_sshd.folder / "log").read_text()

    assert log.count("Accepted publickey") == 1
    assert log.count("Starting session") <= 1


@pytest.mark.parametrize(
    ("config", "error", "says"),
    [
        ("ForceCommand echo no; exit 3", NotProvenError, "ends its probe with status 3"),
        ("ForceCommand echo not >&2; exit 77", RefusedError, "with status 77: not"),
        ("ForceCommand echo hello", NotProvenError, "its answer is not a report"),
    ],
)
def test_an_answer_that_is_no_report_is_said_as_what_it_is(asked, start_sshd, config, error, says):
    outcome = asked(start_sshd(config))

    assert type(outcome.error) is error
    assert says in str(outcome.error)


def test_a_device_that_hangs_is_unreachable_and_not_silent(asked, start_sshd):
    outcome = asked(start_sshd("ForceCommand sleep 1000"), patience=SHORT)

    assert isinstance(outcome.error, UnreachableError)
    assert outcome.is_unreachable
    assert not outcome.is_silent


def await_refusal(port):
    """Wait until nothing listens: a child that has just been forked holds the port a little."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    pytest.fail(f"something still listens at port {port}")


def test_nothing_at_the_address_is_silence(asked, broker_sshd):
    broker_sshd.process.kill()
    broker_sshd.process.wait()
    await_refusal(broker_sshd.target.port)

    assert asked(broker_sshd).is_silent
    assert asked(broker_sshd, address="").is_silent


def test_another_device_at_the_address_is_named(asked, broker_sshd, start_sshd):
    other = start_sshd()
    outcome = asked(broker_sshd, port=other.target.port)

    assert type(outcome.error) is HostKeyChangedError
    assert "is not WS-000001" in str(outcome.error)


def test_a_long_sweep_renews_its_certificate():
    issued = iter(range(10))
    young, old = (renewed(lambda: next(issued), every_s=s) for s in (1000, 0))

    assert young() == young()
    assert old() != old()
