"""Bytes to JSON and back: strict where parsers differ, so that everyone reads the same document.

Unreadable is the one error here (HTTP 400). Its detail says where and why and never repeats what was sent.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Final, NoReturn

MAX_DEPTH: Final = 64
"""Levels of lists and objects; the deepest document of this API has 4."""


class Unreadable(Exception):  # noqa: N818  it is an answer to the sender
    """The bytes are not one JSON value in UTF-8. `code` is stable, `detail` is for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FieldError:
    """One mistake: where (RFC 6901), what kind, and what would be right. Never what was sent."""

    pointer: str
    code: str
    detail: str


def parse_json(body: bytes) -> object:
    """Read one JSON value from UTF-8 bytes.

    Raises Unreadable for an empty body, a byte order mark, other encodings, anything after the value, a member
    name used twice in an object, NaN and numbers that do not fit, half a surrogate pair, and deep nesting.
    """
    text = _text(body)
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable("not-json", f"{_reason(error)} at line {error.lineno} column {error.colno}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python's own limit on the digits of a whole number
        raise Unreadable("number-too-long", "A number has too many digits.") from None
    if b"\\u" in body and not _is_unicode(value):
        raise Unreadable("lone-surrogate", "A text holds half of a surrogate pair, which is not a character.")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise _too_deep()
    return value


def canonical(value: object) -> bytes:
    """Return the same bytes for the same JSON, whatever its spacing or the order of its members. 1 and 1.0 differ."""
    return _ENCODER.encode(value).encode()


def _text(body: bytes) -> str:
    if not body.strip(b" \t\r\n"):
        raise Unreadable("empty-body", "The body is empty.")
    if body.startswith(b"\xef\xbb\xbf"):
        raise Unreadable("byte-order-mark", "The body starts with a byte order mark; send UTF-8 without it.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("not-utf-8", f"The body is not UTF-8 at byte {error.start}.") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("duplicate-member", "An object has the same member twice.")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise Unreadable("not-a-number", "NaN and Infinity are not JSON.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Unreadable("number-too-long", "A number is too large.")
    return number


def _reason(error: json.JSONDecodeError) -> str:
    return "Something follows the JSON value" if error.msg == "Extra data" else "This is not JSON"


def _is_unicode(value: object) -> bool:
    try:
        canonical(value)
    except UnicodeEncodeError:
        return False
    except RecursionError:
        raise _too_deep() from None
    return True


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for parent in level for item in _items(parent)]
        if not level:
            return False
    return any(isinstance(item, (list, dict)) for item in level)


def _items(parent: object) -> list[object]:
    if isinstance(parent, dict):
        return list(parent.values())
    return parent if isinstance(parent, list) else []


def _too_deep() -> Unreadable:
    return Unreadable("too-deep", f"Lists and objects are nested more than {MAX_DEPTH} deep.")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_float)
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
