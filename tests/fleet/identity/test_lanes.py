"""What an enrolled tablet lets in and what it refuses, asked by OpenSSH's own client."""

import socket
import struct
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from fleet.errors import RefusedError
from fleet.identity import Lane
from fleet.identity.certificate import Request, issue
from fleet.identity.keys import Key, make_key, read_private
from fleet.ssh import open_session

PATIENCE_S = 60


@pytest.fixture
def identity(shared_identity):
    return shared_identity


@pytest.fixture
def tablet(shared_tablet):
    return shared_tablet


@pytest.fixture
def connect(tablet, tmp_path):
    """Return a block in which OpenSSH's client runs against the tablet with a credential."""
    known = tmp_path / "known_hosts"
    known.write_text(f"WS-000001 {tablet.target.host_key}\n")

    strict = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": known,
        "HostKeyAlias": "WS-000001",
        "IdentitiesOnly": "yes",
        "ConnectTimeout": PATIENCE_S,
    }
    settings = [word for name, value in strict.items() for word in ("-o", f"{name}={value}")]

    @contextmanager
    def running(credential, *options, program="ssh"):
        port = ["-p" if program == "ssh" else "-P", str(tablet.target.port)]
        with credential.files() as folder:
            words = [program, "-F", "none", *settings, "-i", folder / "key", *port, *options]
            pipe = subprocess.PIPE
            with subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
            ) as process:
                yield process
                process.kill()

    return running


@pytest.fixture
def ask(connect):
    """Return a function that runs a command on the tablet and waits for its end."""

    def run(credential, *options, user="wingspan", command=("probe",)):
        where = f"{user}@127.0.0.1"
        with connect(credential, *options, where, *command) as process:
            out, err = process.communicate(timeout=2 * PATIENCE_S)
        return subprocess.CompletedProcess((), process.returncode, out.decode(), err.decode())

    return run


@pytest.fixture
def broker(identity):
    return identity.credential(Lane.BROKER, operator="asha", purpose="test")


@pytest.fixture
def deploy(identity):
    names = ["device-WS-000001"]
    return identity.credential(Lane.DEPLOY, operator="asha", purpose="test", principals=names)


def certified(identity, *, key=Key.BROKER_CA, principals=("estate",), minutes=10):
    request = Request(operator="asha", purpose="test", principals=principals, minutes=minutes)
    return issue(request, read_private(identity.path(key)))


def test_the_broker_lane_runs_one_program_whatever_is_asked(ask, broker):
    answer = ask(broker, command=("rm -rf /; id $(id) `id` | sh > /etc/passwd && reboot",))

    assert answer.stdout == "broker|rm -rf /; id $(id) `id` | sh > /etc/passwd && reboot"


def test_the_broker_lane_gives_no_terminal(ask, broker):
    assert "PTY allocation request failed" in ask(broker, "-tt").stderr


@pytest.mark.parametrize("option", ["-L", "-D"])
def test_the_broker_lane_forwards_nothing_from_here(connect, broker, tablet, option):
    with socket.create_server(("127.0.0.1", 0)) as free:
        here = free.getsockname()[1]
    there = ("127.0.0.1", tablet.target.port)
    forwarded = f"127.0.0.1:{here}" + (f":{there[0]}:{there[1]}" if option == "-L" else "")
    with connect(broker, "-N", option, forwarded, "wingspan@127.0.0.1") as process:
        with connected(here) as line:
            if option == "-D":  # SOCKS 4: connect to a port of an address, for nobody.
                line.sendall(struct.pack(">BBH4sB", 4, 1, there[1], socket.inet_aton(there[0]), 0))
            assert line.recv(1024) == b""
        assert b"administratively prohibited" in process.stderr.readline()


def test_the_broker_lane_hands_no_connection_through(ask, broker, tablet):
    answer = ask(broker, "-W", f"127.0.0.1:{tablet.target.port}", command=())

    assert "administratively prohibited" in answer.stderr


def test_the_broker_lane_forwards_nothing_to_here(ask, broker):
    answer = ask(broker, "-R", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes")

    assert "remote port forwarding failed" in answer.stderr
    assert answer.stdout == ""


def test_the_broker_lane_takes_no_sftp_nor_scp(connect, broker, tablet, tmp_path):
    (tmp_path / "file").write_text("content")
    copy = (str(tmp_path / "file"), "wingspan@127.0.0.1:/tmp/file")
    batch = ("-b", "/dev/null", "wingspan@127.0.0.1")

    for program, words in (("scp", copy), ("scp", ("-O", *copy)), ("sftp", batch)):
        with connect(broker, *words, program=program) as process:
            process.communicate(timeout=2 * PATIENCE_S)
        assert process.returncode != 0
    assert not tablet.inside("sh", "-c", "ls /tmp/file").stdout


def test_the_broker_lane_forwards_neither_agent_nor_display(ask, broker, tablet):
    ask(broker, "-A", "-X")
    log = tablet.inside("cat", "/var/log/sshd.log").stdout

    assert "Accepted publickey for wingspan" in log
    assert "agent" not in [line for line in log.splitlines() if "Starting session" in line][-1]
    assert not tablet.inside("sh", "-c", "ls -d /tmp/ssh-* 2>/dev/null").stdout


def test_only_this_devices_names_open_the_broker_lane(ask, identity):
    for names, opens in (
        (("prison-MDI",), True),
        (("device-WS-000001",), True),
        (("prison-LEI",), False),
        (("device-WS-000002", "root", "wingspan"), False),
    ):
        credential, _ = certified(identity, principals=names)
        assert (ask(credential).returncode == 0) is opens, names


def test_the_deploy_lane_is_roots_and_runs_what_it_is_told(ask, deploy):
    assert ask(deploy, user="root", command=("id -u",)).stdout == "0\n"


def test_neither_lane_opens_the_others_user(ask, broker, deploy):
    assert "Permission denied (publickey)" in ask(broker, user="root").stderr
    assert "Permission denied (publickey)" in ask(deploy, user="wingspan").stderr


def test_no_other_user_gets_in(ask, broker, deploy):
    for credential in (broker, deploy):
        assert "Permission denied (publickey)" in ask(credential, user="daemon").stderr


def test_a_deploy_certificate_opens_no_other_device(ask, identity):
    names = ["device-WS-000002", "estate", "prison-MDI"]
    other = identity.credential(Lane.DEPLOY, operator="asha", purpose="x", principals=names)

    assert "Permission denied (publickey)" in ask(other, user="root").stderr


def test_the_bootstrap_key_opens_nothing_any_more(ask, identity):
    assert "Permission denied (publickey)" in ask(identity.bootstrap(), user="root").stderr


def test_a_password_is_not_even_asked_for(ask, broker):
    answer = ask(broker, "-o", "PreferredAuthentications=password,keyboard-interactive")

    assert "Permission denied (publickey)" in answer.stderr


def test_a_revoked_certificate_is_refused_and_named(ask, tablet, identity, trust, loopback):
    credential, record = certified(identity)
    assert ask(credential).returncode == 0
    identity.ledger.revoke([record])
    taken = trust(tablet, "take", renewed(identity))

    assert taken["changed"]
    user = replace(tablet.target, user="wingspan")
    with pytest.raises(RefusedError, match=f"certificate {record.serial}"):
        open_session(user, credential, loopback, timeout_s=PATIENCE_S)
    log = tablet.inside("cat", "/var/log/sshd.log").stdout
    assert "revoked by file /etc/ssh/wingspan/revoked.krl" in log


def test_an_expired_certificate_is_refused_and_named(tablet, identity, loopback, monkeypatch):
    begins_s = 1_700_000_000
    monkeypatch.setattr("fleet.identity.certificate.time.time", lambda: begins_s)
    credential, _ = certified(identity)
    monkeypatch.undo()

    user = replace(tablet.target, user="wingspan")
    with pytest.raises(RefusedError, match="the certificate ended on 2023-11-14"):
        open_session(user, credential, loopback, timeout_s=PATIENCE_S)
    assert "Certificate invalid: expired" in tablet.inside("cat", "/var/log/sshd.log").stdout


def test_a_certificate_from_the_future_is_refused_and_named(
    tablet, identity, loopback, monkeypatch
):
    monkeypatch.setattr("fleet.identity.certificate.time.time", lambda: 4_000_000_000)
    credential, _ = certified(identity)
    monkeypatch.undo()

    user = replace(tablet.target, user="wingspan")
    with pytest.raises(RefusedError, match="the certificate begins on 2096-10-02"):
        open_session(user, credential, loopback, timeout_s=PATIENCE_S)
    assert "Certificate invalid: not yet valid" in tablet.inside("cat", "/var/log/sshd.log").stdout


def test_a_stranger_with_an_authority_of_his_own_is_refused(ask, tmp_path):
    make_key(tmp_path / "stranger")
    request = Request(operator="asha", purpose="x", principals=["estate"], minutes=5)
    credential, _ = issue(request, read_private(tmp_path / "stranger"))

    assert "Permission denied (publickey)" in ask(credential).stderr


def connected(port):
    """Return a connection to a port of this machine, as soon as something listens there."""
    ends_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        except ConnectionRefusedError:
            assert time.monotonic() < ends_s
            time.sleep(0.05)


def renewed(identity):
    return {
        "statement": (envelope := identity.renew()).statement,
        "signature": envelope.signature,
    }
