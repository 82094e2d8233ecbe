"""Reading a form of the staff pages: only one that our own page showed in this very session."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Final, Protocol
from urllib.parse import urlsplit

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from shared.problems import Problem
from shared.web import BODY_BYTES, BODY_SECONDS

FIELD: Final = "csrf"
MOST_FIELDS: Final = 500
MOST_FILES: Final = 4
_RAN_OUT: Final = "form-expired"
"""The page for problems has words for it."""


class Shown(Protocol):
    """Whoever a form was shown to."""

    @property
    def csrf(self) -> str: ...


async def read_form(request: Request, visitor: Shown) -> FormData:
    """The fields of a form, urlencoded or multipart, 256 KiB at most, small files included.

    Raises Problem: "forbidden" when the form is of another site or another session, 408, 413, 415 and 400 for a body
    that is too slow, too large, of another kind or unreadable. Nothing of a refused body is used.
    """
    form = await fields_of(request)
    if not is_shown_to(visitor, form):
        raise expired()
    return form


def is_shown_to(visitor: Shown, form: FormData) -> bool:
    """Whether it comes from a page of this very session."""
    token = form.get(FIELD)
    return isinstance(token, str) and hmac.compare_digest(token.encode(), visitor.csrf.encode())


def expired() -> Problem:
    """For a form that is not of this session, and of no other that we know."""
    return Problem("forbidden", _RAN_OUT)


async def fields_of(request: Request) -> FormData:
    """The fields of a form that no other site has sent, whoever it was shown to; raises as read_form does."""
    refuse_other_sites(request)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _in_memory(await _parser(request).parse())
    except TimeoutError:
        raise Problem("too-slow", headers={"Connection": "close"}) from None
    except (MultiPartException, FormParserError, KeyError, ValueError):
        raise Problem("unreadable") from None


def refuse_other_sites(request: Request) -> None:
    """What the browser itself says about where a form comes from; the token in the form is the other wall.

    `Origin: null` says nothing: our pages ask for no referrer, and browsers then send it with our own forms too.
    """
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin", "null")
    if site not in ("same-origin", "none") or not _is_ours(origin, request):
        raise expired()


def _is_ours(origin: str, request: Request) -> bool:
    if origin == "null":
        return True
    public_url: str = getattr(request.app.state.sign_in, "public_url", "")
    host = urlsplit(origin).netloc
    return bool(host) and host in (request.headers.get("host", ""), urlsplit(public_url).netloc)


def _parser(request: Request) -> FormParser | MultiPartParser:
    headers = request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-encoding" not in headers and kind == "application/x-www-form-urlencoded":
        return FormParser(headers, _limited(request), max_fields=MOST_FIELDS, max_part_size=BODY_BYTES)
    if "content-encoding" not in headers and kind == "multipart/form-data":
        return MultiPartParser(
            headers, _limited(request), max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=BODY_BYTES
        )
    raise Problem("media-type", "Send the form from its page")


async def _in_memory(form: FormData) -> FormData:
    """The parser's files are temporary ones, which somebody would have to close; so small, they need not be files."""
    fields: list[tuple[str, str | UploadFile]] = []
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.append((name, value))
            continue
        fields.append((name, UploadFile(BytesIO(await value.read()), filename=value.filename, headers=value.headers)))
        await value.close()
    return FormData(fields)


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES:
            raise Problem("too-large", "At most 256 KiB are taken", headers={"Connection": "close"})
        yield chunk
