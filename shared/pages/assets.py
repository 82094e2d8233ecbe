"""The stylesheet and pictures of the pages: read once, served under an address that changes with their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from shared.problems import Problem

FOLDER: Final = Path(__file__).parent / "static"

_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_WORTH_PACKING: Final = 1024
"""Bytes under which packing saves nothing."""


@dataclass(frozen=True, slots=True)
class Asset:
    plain: bytes
    packed: bytes | None
    media_type: str
    etag: str


class Assets:
    """Every file of `folder`, in memory: some 0.3 MB. One stamp for all, so that they may name each other."""

    def __init__(self, folder: Path = FOLDER) -> None:
        files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*.*"))}
        self._assets = {name: _asset(name, content) for name, content in files.items()}
        whole = hashlib.sha256(b"".join(name.encode() + content for name, content in files.items()))
        self.stamp = whole.hexdigest()[:16]

    def address(self, name: str) -> str:
        """Where the pages find `pir.css`; raises LookupError for a file that is not there."""
        if name not in self._assets:
            raise LookupError(f"no file {name} in the folder of static files")
        return f"/static/{self.stamp}/{name}"

    def router(self) -> APIRouter:
        routes = APIRouter()

        @routes.get("/static/{stamp}/{name:path}", include_in_schema=False)
        async def asset(request: Request, stamp: str, name: str) -> Response:
            return self._answer(request, stamp, name)

        return routes

    def _answer(self, request: Request, stamp: str, name: str) -> Response:
        """Under a stamp of another release the file is served too, but not kept: a page may be older than the server.

        Raises Problem 404.
        """
        found = self._assets.get(name)
        if found is None:
            raise Problem("not-found")
        headers = {
            "Cache-Control": _FOREVER if stamp == self.stamp else _ASK_AGAIN,
            "ETag": found.etag,
            "Vary": "Accept-Encoding",
        }
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if found.packed and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.media_type)
        return Response(found.plain, headers=headers, media_type=found.media_type)


def _asset(name: str, content: bytes) -> Asset:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_packable = media_type.startswith("text/") or media_type.endswith("xml")
    return Asset(
        plain=content,
        packed=gzip.compress(content, mtime=0) if is_packable and len(content) > _WORTH_PACKING else None,
        media_type=media_type,
        etag=f'W/"{hashlib.sha256(content).hexdigest()[:16]}"',
    )
