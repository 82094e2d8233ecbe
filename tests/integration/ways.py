"""A way to PostgreSQL that can be closed for one copy of a service alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


class Way:
    """A way to PostgreSQL that can fall silent for the connections there are; new ones go through."""

    def __init__(self, database: str) -> None:
        self._to = urlsplit(database)
        self._pumps: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._port = 0

    async def open(self) -> str:
        """Return the address of the database over this way; after `close` it is the same."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        host, self._port = self._server.sockets[0].getsockname()
        user, _, _ = self._to.netloc.rpartition("@")
        return self._to._replace(netloc=f"{user}@{host}:{self._port}").geturl()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._to.hostname, self._to.port)
        self._writers += [writer, there_writer]
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            self._pumps.append(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while some := await source.read(65536):
            sink.write(some)
            await sink.drain()

    def fall_silent(self) -> None:
        for pump in self._pumps:
            pump.cancel()

    async def close(self) -> None:
        """Nobody gets through any more."""
        self.fall_silent()
        self._server.close()
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            with suppress(OSError):
                await writer.wait_closed()
