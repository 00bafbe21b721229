"""One device from first contact to live, on a real sshd in namespaces of its own."""

import json
from dataclasses import replace

import pytest

from fleet.device import Device
from fleet.enrolment.contact import check_host_key, enrol_device, ordered
from fleet.errors import HostKeyChangedError, NotProvenError, RefusedError
from fleet.identity import Lane

MAGIC = "b3BlbnNzaC1rZXktdjEA"  # How the base64 of every OpenSSH private key begins.


@pytest.fixture
def tablet(start_tablet, centre):
    return start_tablet(centre.identity.path("bootstrap.pub"))


@pytest.fixture
def device(tablet):
    return Device(
        device="WS-000001",
        serial="C1",
        prison_id="MDI",
        host_key=tablet.target.host_key,
        nonce="0f" * 16,
        address="127.0.0.1",
        port=tablet.target.port,
    )


def bootstrap_opens(centre, device):
    try:
        centre.opened(device, "root", centre.identity.bootstrap()).close()
    except RefusedError:
        return False
    return True


def test_an_enrolled_device_answers_on_both_lanes_and_no_other_way(centre, device):
    enrol_device(centre, device)

    with centre.session(device, Lane.BROKER, purpose="test") as session:
        said = json.loads(session.run("probe", timeout_s=60).stdout)
    with centre.session(device, Lane.DEPLOY, purpose="test") as session:
        assert session.run("id -u", timeout_s=60).stdout == b"0\n"
    assert (said["device"], said["nonce"]) == ("WS-000001", "0f" * 16)
    assert not bootstrap_opens(centre, device)


def test_the_key_exchange_that_was_agreed_is_told(centre, device):
    assert enrol_device(centre, device).key_exchange.startswith("curve25519-sha256")


def test_a_device_with_another_key_is_refused_before_it_is_told_anything(centre, device, tablet):
    other = replace(device, host_key=centre.identity.trust_public())

    with pytest.raises(HostKeyChangedError, match="is not C1: it holds SHA256:"):
        check_host_key(centre, other)
    with pytest.raises(HostKeyChangedError):
        enrol_device(centre, other)
    assert "Accepted" not in tablet.inside("cat", "/var/log/sshd.log").stdout


def test_a_device_that_keeps_a_setting_of_its_own_keeps_its_old_way_in(centre, device, tablet):
    tablet.inside("sed", "-i", "1i PasswordAuthentication yes", "/etc/ssh/sshd_config")

    with pytest.raises(NotProvenError, match="passwordauthentication is yes, not no"):
        enrol_device(centre, device)
    assert bootstrap_opens(centre, device)


def test_a_device_whose_new_ways_fail_keeps_its_old_one(centre, device, tablet):
    # Nobody but root may read what lets the broker lane in: sshd reads it as the lane's user.
    with centre.opened(device, "root", centre.identity.bootstrap()) as session:
        session.run("chmod 700 /etc/ssh", timeout_s=60)

    with pytest.raises(RefusedError, match="refuses the login of wingspan"):
        enrol_device(centre, device)
    assert bootstrap_opens(centre, device)

    tablet.inside("chmod", "755", "/etc/ssh")
    enrol_device(centre, device)


@pytest.mark.parametrize("done", [("enrol",), ("enrol", "close")], ids=" and ".join)
def test_an_enrolment_cut_short_goes_on(centre, device, done, monkeypatch):
    def cut(centre, session, order, content=None):
        if order not in done:
            raise KeyboardInterrupt
        return ordered(centre, session, order, content)

    monkeypatch.setattr("fleet.enrolment.contact.ordered", cut)
    with pytest.raises(KeyboardInterrupt):
        enrol_device(centre, device)
    monkeypatch.undo()
    enrol_device(centre, device)

    assert not bootstrap_opens(centre, device)


def test_no_private_key_reaches_the_device(centre, device, tablet):
    enrol_device(centre, device)
    # Where enrolment writes, and where sshd and sudo keep their logs.
    own = ("/etc/wingspan", "/usr/local/lib/wingspan", "/var/lib/wingspan")
    places = (*own, "/etc/ssh", "/etc/sudoers.d", "/root/.ssh", "/var/log")
    search = ("grep", "-rl", "--exclude=ssh_host_ed25519_key", MAGIC, *places)

    assert tablet.inside(*search).stdout == ""
