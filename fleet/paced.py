"""Open a TCP connection whose bytes leave at a set rate, and hand it to ssh.

    python -I -S -E paced.py HOST PORT BYTES_PER_SECOND

A ProxyCommand for `ssh -o ProxyUseFdpass=yes`: the socket goes over standard output, and the kernel
spaces what is written to it (SO_MAX_PACING_RATE, see socket(7)). So the rate holds for all that a
connection carries, smoothly, and this program is gone before the first byte. Standard library only,
and little of it: it is started once for each device.
"""

import array
import socket
import sys

# Linux's <asm-generic/socket.h>; Python names it from 3.13 on.
SO_MAX_PACING_RATE = 47
CONNECT_TIMEOUT_S = 15


def main() -> int:
    """Connect, set the rate, and pass the socket on."""
    host, port, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
    except OSError as error:
        sys.stderr.write(f"{host} port {port}: {error}\n")
        return 1
    connection.setblocking(True)  # noqa: FBT003 - the standard library's own
    connection.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
    out = socket.socket(fileno=sys.stdout.fileno())
    descriptors = array.array("i", [connection.fileno()])
    out.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    out.detach()
    return 0


if __name__ == "__main__":
    sys.exit(main())
