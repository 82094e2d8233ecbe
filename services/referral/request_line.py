"""What a request says besides its body: its key, the version it is for, the reference, the names of its query."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Path, Request

from services.referral.reference import parse
from shared.mistakes import is_shown
from shared.problems import FieldError, Problem

_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_ETAG: Final = re.compile(r'"?([0-9]{1,9})"?', re.ASCII)
PathReference = Annotated[str, Path(description="as you got it, or as people say it: in any case, without hyphens")]
OF_FEED: Final = ("changed_since", "limit", "external_reference")


def idempotency_key(request: Request) -> str:
    """Raises Problem 400 unless there is one of 1 to 255 visible ASCII characters."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _VISIBLE.fullmatch(keys[0]):
        raise Problem("idempotency-key-missing")
    return keys[0]


def version_named(request: Request) -> int | None:
    """The version that If-Match names; None without it. Raises Problem 412 for what can't be one."""
    named = request.headers.get("if-match")
    if named is None or named == "*":
        return None
    if found := _ETAG.fullmatch(named):
        return int(found[1])
    raise Problem("precondition-failed", 'If-Match takes the version of an answer in quotes, such as "2"')


def reference_named(text: str) -> str:
    """A reference as people say it; Problem 404 for anything else, which can't be one of the agency's."""
    if (found := parse(text)) is None:
        raise Problem("not-found")
    return found


def refuse_unknown_queries(request: Request) -> None:
    """Raises Problem 422 for a name that the feed does not know: ignored, `page=2` would be the first page for ever."""
    words = f"The list takes {', '.join(OF_FEED)}, and no others."
    unknown = [name for name in request.query_params if name not in OF_FEED]
    if unknown:
        places = [f"/query/{name}" if is_shown(name) else "/query" for name in unknown]
        raise Problem("invalid", errors=[FieldError(place, "unknown-member", words) for place in places])
