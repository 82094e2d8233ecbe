"""HTTP with a bound on a request's head: 32 KiB, and 15 s until it is whole. uvicorn's parser has neither.

Without them one connection that never ends its head fills the memory, and a thousand silent ones all file descriptors,
before any key is asked for. A body has bounds of its own (web.py).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 32 * 1024
HEAD_SECONDS: Final = 15.0
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n"
    b"Cache-Control: no-store\r\n\r\n"
)


class BoundedHead(HttpToolsProtocol):
    """Closes a connection whose next head is too long or too slow. Between requests uvicorn's keep-alive counts."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_bytes = 0
        self._is_in_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give the parser no more of a head than may still come; what follows a whole head is its body."""
        while data and self._is_in_head and not self.transport.is_closing():
            if self._head_bytes >= HEAD_BYTES:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
            if self._deadline is None:
                self._start_clock()
            piece, data = data[: HEAD_BYTES - self._head_bytes], data[HEAD_BYTES - self._head_bytes :]
            self._head_bytes += len(piece)
            super().data_received(piece)
        if data and not self.transport.is_closing():
            super().data_received(data)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head_bytes, self._is_in_head = 0, True

    def _start_clock(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
