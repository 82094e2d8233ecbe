"""Connections to receivers: to an address that was checked a moment before, by the name that the agency gave.

httpx would resolve the name again after a check, and an address in place of the name would lose SNI and the name of
the certificate. So the check stands where the connection is made: `CheckedNetwork` resolves, checks, and connects to
what it has checked, while TLS goes on under the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import httpcore

from services.notify.webhooks.addresses import Target, all_public

RESOLVERS: Final = 4
"""Threads that ask for names: a slow name server holds up no other work of the service."""
MOST_ADDRESSES: Final = 4
"""Of one name, that are tried one after the other."""
EACH_SECONDS: Final = 4.0
"""For each of them but the last: a machine without IPv6 still has time for the others."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class AddressRefusedError(Exception):
    """The name stands for an address that is not public."""


class NameUnknownError(Exception):
    """The name stands for no address now."""


class SystemNames:
    """Asks the resolver of this machine, once at a time for each name.

    Nothing ends a question that hangs, and each holds a thread: who gives up leaves it, who comes next waits for it.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[Any]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses, in the order to try them. Raises NameUnknownError."""
        try:
            found = await asyncio.shield(self._answer(host, port))
        except OSError:
            raise NameUnknownError from None
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    def _answer(self, host: str, port: int) -> asyncio.Future[list[Any]]:
        """To the question that is under way, or to a new one."""
        if (asked := self._asked.get((host, port))) is not None:
            return asked
        asked = asyncio.get_running_loop().run_in_executor(self._threads, _ask, host, port)
        self._asked[host, port] = asked

        def forget(done: asyncio.Future[list[Any]]) -> None:
            self._asked.pop((host, port), None)
            if not done.cancelled():
                done.exception()  # it is read, though nobody waits any more

        asked.add_done_callback(forget)
        return asked

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _ask(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def checked(resolve: Resolve, host: str, port: int) -> Sequence[str]:
    """What the name stands for; raises AddressRefusedError unless all of it is public, and NameUnknownError."""
    addresses = await resolve(host, port)
    if not addresses:
        raise NameUnknownError
    if not all_public(addresses):
        raise AddressRefusedError
    return addresses


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """A network on which there are public addresses only. `connect` makes the connection to one address."""

    def __init__(self, resolve: Resolve, connect: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._resolve = resolve
        self._connect = connect or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefusedError, NameUnknownError and the library's ConnectError and ConnectTimeout."""
        addresses = await checked(self._resolve, host, port)
        *others, last = addresses[:MOST_ADDRESSES]
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connect.connect_tcp(address, port, EACH_SECONDS, local_address, socket_options)
        return await self._connect.connect_tcp(last, port, timeout, local_address, socket_options)


class Networks:
    """The public network, and in development this machine's receivers beside it."""

    def __init__(self, resolve: Resolve, connect: httpcore.AsyncNetworkBackend | None = None) -> None:
        self.resolve = resolve
        self._public: httpcore.AsyncNetworkBackend = CheckedNetwork(resolve, connect)
        self._local: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()

    def of(self, target: Target) -> httpcore.AsyncNetworkBackend:
        return self._local if target.is_local else self._public

    async def check(self, target: Target) -> None:
        """Whether it may be connected to now; raises AddressRefusedError and NameUnknownError."""
        if not target.is_local:
            await checked(self.resolve, target.host, target.port)
