"""The forms a report comes in, and which of them a client wants: by suffix or by `Accept`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Format(StrEnum):
    """The value is the suffix of an address."""

    JSON = "json"
    HTML = "html"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.HTML: "text/html",
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""In the order of our preference, where a client has none."""


def wanted(accept: str) -> Format | None:
    """The best of what `Accept` takes (RFC 9110, 12.5.1); None when it takes none of ours. Without one: JSON.

    The closest range decides about a type: `text/csv;q=0, text/*` is no CSV. A range that can't be read is none.
    """
    ranges = [found for each in accept.split(",") if (found := _range(each))]
    if not accept.strip():
        return Format.JSON
    weights = {form: _weight(media_type, ranges) for form, media_type in MEDIA_TYPES.items()}
    best = max(weights, key=lambda form: weights[form])
    return best if weights[best] > 0 else None


def _range(text: str) -> tuple[str, float] | None:
    """`text/*;q=0.5` as its name and weight."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((value for parameter in parameters if (value := _quality(parameter)) is not None), 1.0)
    return (name, quality) if "/" in name and 0 <= quality <= 1 else None


def _quality(parameter: str) -> float | None:
    """None for another parameter; -1 for a weight that is none."""
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return None
    try:
        return float(value) if value.strip()[:1] in ("0", "1") else -1
    except ValueError:
        return -1


def _weight(media_type: str, ranges: list[tuple[str, float]]) -> float:
    weights = dict(ranges)
    family = f"{media_type.partition('/')[0]}/*"
    return next((weights[name] for name in (media_type, family, "*/*") if name in weights), 0.0)
