"""What a connection promises, shown on a real sshd."""

import itertools
import os
import signal
import socket
import stat
import threading
from dataclasses import replace

import paramiko
import pytest

from fleet.errors import HostKeyChangedError, NotProvenError, RefusedError, UnreachableError
from fleet.ssh import (
    CURVE25519,
    POST_QUANTUM,
    fingerprint,
    host_key_of,
    open_session,
)

# A wait that ends in success is given all the time that a slow machine may need; one that is
# meant to run out is short.
PATIENCE_S, SHORT_S = 60, 0.5


@pytest.fixture
def opened(loopback):
    """Return a function that opens a session on a target."""

    def open_it(target, credential, *, timeout_s=PATIENCE_S):
        return open_session(target, credential, loopback, timeout_s=timeout_s)

    return open_it


@pytest.fixture
def certified(sshd, keygen, tmp_path):
    """Return a function that certifies the user's key for a span of time."""
    ca = tmp_path / "ca"
    keygen("-q", "-t", "ed25519", "-N", "", "-f", ca)
    (sshd.folder / "authorized_keys").write_text(
        f"cert-authority {ca.with_suffix('.pub').read_text()}"
    )

    def certify(*, valid, principals):
        public = sshd.folder / "user.pub"
        signing = ["-q", "-s", ca, "-I", "test", "-z", "7"]
        keygen(*signing, "-n", principals or sshd.target.user, "-V", valid, public)
        certificate = (sshd.folder / "user-cert.pub").read_text().strip()
        return replace(sshd.credential, certificate=certificate)

    return certify


def test_a_command_answers_with_status_and_both_streams(sshd, opened):
    with opened(sshd.target, sshd.credential) as session:
        answer = session.run("cat; echo aside >&2; exit 7", stdin=b"given", timeout_s=PATIENCE_S)

    assert (answer.status, answer.stdout, answer.stderr) == (7, b"given", b"aside\n")


def test_one_session_runs_one_command_after_the_other(sshd, opened):
    with opened(sshd.target, sshd.credential) as session:
        answers = [session.run(f"echo {n}", timeout_s=PATIENCE_S).stdout for n in (1, 2)]

    assert answers == [b"1\n", b"2\n"]


def test_a_command_is_sent_what_follows_from_its_first_line(sshd, opened):
    def counted(said):
        yield from (b"x" * 100_000 for _ in range(int(said)))

    with opened(sshd.target, sshd.credential) as session:
        answer = session.converse(
            "read -r wanted; echo $wanted; wc -c", first=b"3", then=counted, timeout_s=PATIENCE_S
        )

    assert (answer.status, answer.stdout) == (0, b"3\n300000\n")


def test_a_command_that_takes_no_more_still_says_why(sshd, opened):
    endless = itertools.repeat(b"x" * 100_000)

    with opened(sshd.target, sshd.credential) as session:
        answer = session.converse(
            "read -r wanted; echo no; exit 6",
            first=b"all",
            then=lambda _said: endless,
            timeout_s=PATIENCE_S,
        )

    assert (answer.status, answer.stdout) == (6, b"no\n")


def test_a_first_line_without_end_is_cut_off(sshd, opened):
    with (
        opened(sshd.target, sshd.credential) as session,
        pytest.raises(RefusedError, match="no end to its first line"),
    ):
        session.converse("cat /dev/zero", first=b"", then=iter, timeout_s=PATIENCE_S)


def test_with_debian_12_the_key_exchange_is_curve25519(sshd, opened):
    with opened(sshd.target, sshd.credential) as session:
        assert session.key_exchange == CURVE25519


def test_with_a_newer_sshd_the_key_exchange_is_post_quantum(sshd, opened):
    """No OpenSSH of Debian 12 offers it; paramiko's own server stands for one that does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=serve_newer, args=(server, sshd.folder / "host"))
        answering.start()
        target = replace(sshd.target, port=server.getsockname()[1])
        with opened(target, sshd.credential) as session:
            agreed = session.key_exchange
        answering.join()

    assert agreed == POST_QUANTUM


def serve_newer(server, host_key):
    class LetsIn(paramiko.ServerInterface):
        def check_auth_publickey(self, _username, _key):
            return paramiko.AUTH_SUCCESSFUL

        def get_allowed_auths(self, _username):
            return "publickey"

    connection, _ = server.accept()
    transport = paramiko.Transport(connection)
    transport.add_server_key(paramiko.Ed25519Key(filename=str(host_key)))
    transport.start_server(event=threading.Event(), server=LetsIn())
    transport.join()


@pytest.mark.parametrize("offered", ["diffie-hellman-group14-sha256", "ecdh-sha2-nistp256"])
def test_a_device_that_offers_older_key_exchanges_alone_is_refused(start_sshd, opened, offered):
    sshd = start_sshd(f"KexAlgorithms {offered}")

    with pytest.raises(RefusedError, match="shares no way to encrypt"):
        opened(sshd.target, sshd.credential)


def test_a_device_with_another_key_is_refused_before_we_log_in(sshd, start_sshd, opened):
    impostor = start_sshd()
    target = replace(sshd.target, port=impostor.target.port)

    with pytest.raises(HostKeyChangedError) as caught:
        opened(target, sshd.credential)

    assert fingerprint(sshd.target.host_key) in str(caught.value)
    assert fingerprint(impostor.target.host_key) in str(caught.value)
    assert "Accepted" not in (impostor.folder / "log").read_text()


def test_a_device_without_an_ed25519_key_is_not_the_one_we_know(
    start_sshd, opened, keygen, tmp_path
):
    keygen("-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "ec")
    sshd = start_sshd(f"HostKey {tmp_path}/ec", "HostKeyAlgorithms ecdsa-sha2-nistp256")

    with pytest.raises(HostKeyChangedError, match="has no ed25519 key"):
        opened(sshd.target, sshd.credential)


def test_an_unknown_key_is_refused_and_named(sshd, opened):
    (sshd.folder / "authorized_keys").write_text("")

    with pytest.raises(RefusedError, match=r"WS-000001 refuses .*: it does not know the key"):
        opened(sshd.target, sshd.credential)


def test_a_certificate_lets_in(sshd, opened, certified):
    credential = certified(valid="always:forever", principals="")

    with opened(sshd.target, credential) as session:
        assert session.run("echo in", timeout_s=PATIENCE_S).stdout == b"in\n"


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        (("20200101000000:20200102000000", ""), "the certificate ended on 2020-01-02"),
        (("20990101000000:20990102000000", ""), "the certificate begins on 2099-01-01"),
        (("always:forever", "another"), r"certificate 7 \(another\)"),
    ],
)
def test_a_refused_certificate_says_why_it_may_be(sshd, opened, certified, offer, said):
    valid, principals = offer
    credential = certified(valid=valid, principals=principals)

    with pytest.raises(RefusedError, match=said):
        opened(sshd.target, credential)


def test_where_nothing_listens_the_device_is_unreachable(sshd, opened):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(UnreachableError, match="WS-000001 does not answer at") as caught:
        opened(replace(sshd.target, port=port), sshd.credential)

    assert caught.value.stage == "connect"


def test_a_stopped_sshd_costs_no_more_than_the_time_out(sshd, opened):
    os.kill(sshd.process.pid, signal.SIGSTOP)

    with pytest.raises(UnreachableError, match="gives no SSH handshake within") as caught:
        opened(sshd.target, sshd.credential, timeout_s=SHORT_S)

    assert caught.value.stage == "handshake"


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n"])
def test_what_does_not_speak_ssh_is_not_a_device(sshd, opened, greeting):
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=hang_up_after, args=(server, greeting))
        answering.start()
        with pytest.raises(UnreachableError, match="hangs up in the handshake"):
            opened(replace(sshd.target, port=server.getsockname()[1]), sshd.credential)
        answering.join()


def hang_up_after(server, greeting):
    connection, _ = server.accept()
    with connection:
        connection.sendall(greeting)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass


def test_a_command_that_never_ends_costs_no_more_than_its_time_out(sshd, opened):
    session = opened(sshd.target, sshd.credential)

    with session, pytest.raises(UnreachableError, match="no answer to sleep within") as caught:
        session.run("sleep 1000", timeout_s=SHORT_S)

    assert caught.value.stage == "command"


def test_a_device_that_hangs_up_in_a_command_is_not_taken_for_done(sshd, opened):
    session = opened(sshd.target, sshd.credential)

    with session, pytest.raises(UnreachableError, match="hangs up in the command"):
        session.run("echo begun; kill -9 $PPID", timeout_s=PATIENCE_S)


def test_a_command_ended_by_a_signal_has_no_status(sshd, opened):
    with opened(sshd.target, sshd.credential) as session:
        assert session.run("kill -9 $$", timeout_s=PATIENCE_S).status == -1


def test_an_endless_answer_is_cut_off(sshd, opened):
    session = opened(sshd.target, sshd.credential)

    with session, pytest.raises(RefusedError, match="more than 8,000,000 bytes"):
        session.run("cat /dev/zero", timeout_s=PATIENCE_S)


def test_first_contact_shows_the_key_that_answers(sshd, loopback):
    found = host_key_of("127.0.0.1", sshd.target.port, loopback, timeout_s=PATIENCE_S)

    assert found == " ".join(sshd.target.host_key.split()[:2])


def test_a_fingerprint_is_what_ssh_keygen_prints(sshd, keygen):
    printed = keygen("-l", "-f", sshd.folder / "host.pub")

    assert fingerprint(sshd.target.host_key) in printed.split()


def test_a_file_is_put_whole_with_its_mode(sshd, opened, tmp_path):
    path = tmp_path / "it's here"
    path.write_bytes(b"old")
    with opened(sshd.target, sshd.credential) as session:
        session.put(str(path), bytes(range(256)) * 9000, 0o640)

    assert path.read_bytes() == bytes(range(256)) * 9000
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_beside(
    sshd, opened, tmp_path
):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    session = opened(sshd.target, sshd.credential)

    with session, pytest.raises(NotProvenError, match=r"could not write .*file: chmod"):
        session.put(f"{folder}/file", b"new", 0o7777777)  # No such mode: it fails half way.

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"file": b"old"}
