"""Enquiries: a consultation or a training, with nothing about a child in them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictInt

from services.referral.document.errors import FieldError, Invalid, required
from services.referral.document.model import Part, Referrer
from services.referral.document.reading import as_object, read
from services.referral.document.text import FreeText, Topic
from services.referral.document.values import Codes
from shared.events import Kind, MentalHealth, Safety

_NEEDED = ("kind", "referrer", "topic")


def _one_for_null(value: object) -> object:
    return 1 if value is None else value


class Enquiry(Part):
    """`people` is how many colleagues take part: 1 when nobody said so."""

    model_config = ConfigDict(json_schema_extra={"required": list(_NEEDED)})
    kind: Literal[Kind.CONSULTATION, Kind.TRAINING] | None = None
    referrer: Referrer | None = None
    topic: Topic | None = None
    people: Annotated[StrictInt, Field(ge=1, le=500), BeforeValidator(_one_for_null)] = 1
    safety: Codes[Safety] = ()
    notes: FreeText | None = None

    @property
    def mental_health(self) -> MentalHealth:
        """Nobody's: an enquiry is not about a family."""
        return MentalHealth.NONE


def read_enquiry(value: object, *, now: datetime) -> Enquiry:
    """Read an enquiry; raises Invalid with all errors."""
    raw = as_object(value)
    enquiry, errors = read(Enquiry, raw, now=now)
    errors += _missing(raw)
    if enquiry is None or errors:
        raise Invalid(errors)
    return enquiry


def _missing(raw: dict[str, object]) -> list[FieldError]:
    missing = [required(f"/{name}") for name in _NEEDED if raw.get(name) is None]
    referrer = raw.get("referrer")
    if isinstance(referrer, dict):
        missing += [required(f"/referrer/{name}") for name in ("name", "role", "email") if referrer.get(name) is None]
    return missing
