"""A connection whose bytes leave at a set rate."""

import socket

from fleet.paced import SO_MAX_PACING_RATE, Paced


def test_a_connection_sends_at_its_rate_at_the_most(loopback):
    dialler = Paced(dialler=loopback, rate_mbps=1.0)

    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = dialler.connect(*server.getsockname(), timeout_s=60)
        peer, _ = server.accept()
        with connection, peer:
            connection.sendall(b"hello")

            assert peer.recv(5) == b"hello"
            # A megabit a second is 125,000 bytes.
            rate = connection.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE)
            assert rate == 125_000
