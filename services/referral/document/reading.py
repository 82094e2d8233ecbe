"""From a JSON value to a checked document, with every error at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.referral.document.ages import day_in_london
from services.referral.document.errors import FieldError, Invalid, from_pydantic
from services.referral.document.model import Clock, ReferralDocument
from services.referral.document.needs import conflicts, gaps, is_urgent

M = TypeVar("M", bound=BaseModel)
NOT_AN_OBJECT = FieldError("", "not-an-object", "The body must be a JSON object.")


@dataclass(frozen=True, slots=True)
class Submission:
    """A referral that can be accepted. `gaps` are JSON pointers, empty unless a danger let it in incomplete."""

    document: ReferralDocument
    gaps: tuple[str, ...]


def as_object(value: object) -> dict[str, Any]:
    """Return the value, when it is a JSON object; raises Invalid otherwise."""
    if not isinstance(value, dict):
        raise Invalid([NOT_AN_OBJECT])
    return value


def read(
    model: type[M], value: Mapping[str, object], *, now: datetime, consent_sent_at: datetime | None = None
) -> tuple[M | None, list[FieldError]]:
    """Return the parsed model, or None with what is wrong. Both times are aware."""
    clock = Clock(now=now, today=day_in_london(now), consent_sent_at=consent_sent_at or now)
    try:
        return model.model_validate(value, context=clock), []
    except ValidationError as error:
        return None, from_pydantic(error)


def read_referral(value: object, *, now: datetime, consent_sent_at: datetime | None = None) -> Submission:
    """Read a referral at the aware time `now`; consent that was sent earlier had to be recent then.

    Raises Invalid with all errors. A missing member is one of them, unless `safety` or `mental_health` tells of a
    danger: then it is listed in `gaps`. What is there has to be readable in any case.
    """
    raw = as_object(value)
    document, errors = read(ReferralDocument, raw, now=now, consent_sent_at=consent_sent_at)
    missing = gaps(raw)
    found = [*errors, *conflicts(raw), *(() if is_urgent(raw) else missing)]
    if document is None or found:
        raise Invalid(found)
    return Submission(document, tuple(gap.pointer for gap in missing))
