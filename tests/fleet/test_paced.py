"""A connection whose bytes leave at a set rate, handed to whoever asked for it."""

import array
import socket
import subprocess
import sys
from pathlib import Path

from fleet import paced


def opened(host, port, rate):
    """Run the program as ssh does; return its status and the socket that it handed over."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-S", "-E", Path(paced.__file__), host, str(port), str(rate)]
    finished = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False)
    theirs.close()
    with ours:
        _, sent, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(array.array("i").itemsize))
    passed = array.array("i", sent[0][2])[0] if sent else None
    return finished, None if passed is None else socket.socket(fileno=passed)


def test_the_connection_is_open_and_has_its_rate():
    with socket.create_server(("127.0.0.1", 0)) as server:
        finished, connection = opened(*server.getsockname(), 125_000)
        peer, _ = server.accept()
        with connection, peer:
            connection.sendall(b"hello")

            assert finished.returncode == 0
            assert peer.recv(5) == b"hello"
            rate = connection.getsockopt(socket.SOL_SOCKET, paced.SO_MAX_PACING_RATE)
            assert rate == 125_000


def test_a_device_that_does_not_answer_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    finished, connection = opened("127.0.0.1", port, 1000)

    assert (finished.returncode, connection) == (1, None)
    assert f"127.0.0.1 port {port}: ".encode() in finished.stderr
