"""Ports on this machine: free ones for the servers, and whether a fixed one is taken."""

import errno
import random
import socket

LOWEST, HIGHEST = (
    15_000,
    32_000,
)  # below Linux' and macOS' outgoing range, or a client that retries could take the port itself


def is_free(port: int) -> bool:
    """Return whether 127.0.0.1:`port` can be listened on now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return not is_open("127.0.0.1", port)  # on some systems a bind beside a listener on all addresses succeeds


def listen(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1:`port`; connections wait in it until a process given it accepts them."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(2048)
    return listener


def is_open(host: str, port: int, seconds: float = 1) -> bool:
    """Return whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), seconds):
            return True
    except OSError:
        return False


def free_port(wanted: int | None = None) -> int:
    """Return `wanted` if it is free, otherwise a free port of the server range."""
    if wanted and is_free(wanted):
        return wanted
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(LOWEST, HIGHEST)
        if is_free(port):
            return port
