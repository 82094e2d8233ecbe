"""From a JSON value to what it says, with every error at once: a referral, an enquiry, and each step after them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError

from services.referral.document.checks import conflicts, gaps, is_urgent, missing_members
from services.referral.document.errors import Invalid, from_pydantic, required
from services.referral.document.fields import Codes
from services.referral.document.model import REQUIRED, Part, ReferralDocument, Referrer
from services.referral.document.text import FreeText, Topic
from shared.events import DANGERS, RED_FLAGS, Kind, MentalHealth, Safety, WithdrawalReason
from shared.mistakes import unknown_member
from shared.strict_json import FieldError
from shared.working_time import day_in_london

M = TypeVar("M", bound=BaseModel)
NOT_AN_OBJECT: Final = FieldError("", "not-an-object", "The body must be a JSON object.")
_FIXED: Final = "external_reference"
_TAKEN_BACK: Final = "taken_back"


@dataclass(frozen=True, slots=True)
class Submission:
    """A referral that can be accepted. `gaps` are JSON pointers, empty unless a danger let it in incomplete."""

    document: ReferralDocument
    gaps: tuple[str, ...]


class Withdrawal(Part):
    """`{"reason": code}`."""

    model_config = ConfigDict(json_schema_extra={"required": ["reason"]})
    reason: WithdrawalReason | None = None
    """Why it is taken back."""


class Challenge(Part):
    """`{"notes": text}`: why the referrer asks to look again at a decline."""

    model_config = ConfigDict(json_schema_extra={"required": ["notes"]})
    notes: FreeText | None = None
    """Why you see it differently, in words."""


class InformationBody(Part):
    """`{"notes": text, ...}`: the answer in words, and any member of the referral that changes."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"minProperties": 1})
    notes: FreeText | None = None


@dataclass(frozen=True, slots=True)
class Information:
    """The referrer's answer. `notes` stand beside the referral's own; `changes` are a merge patch of it."""

    notes: str | None
    changes: Mapping[str, Any]


class Enquiry(Part):
    """`people` is how many colleagues take part: 1 when nobody said so."""

    model_config = ConfigDict(json_schema_extra={"required": ["kind", "referrer", "topic"]})
    kind: Literal[Kind.CONSULTATION, Kind.TRAINING] | None = None
    """A consultation about your work with a family, or training for your team."""
    referrer: Referrer | None = None
    """Who asks."""
    topic: Topic | None = None
    """What it is about, in words; no names of families."""
    people: Annotated[
        StrictInt, Field(ge=1, le=500), BeforeValidator(lambda people: 1 if people is None else people)
    ] = 1
    """How many colleagues take part: 1 to 500."""
    safety: Codes[Safety] = ()
    """Dangers that you know of; you are told whom to ring."""
    notes: FreeText | None = None
    """Anything else, in words; no names of families."""

    @property
    def mental_health(self) -> MentalHealth:
        """Nobody's: an enquiry is not about a family."""
        return MentalHealth.NONE


def as_object(value: object) -> dict[str, Any]:
    """Return the value, when it is a JSON object; raises Invalid otherwise."""
    if not isinstance(value, dict):
        raise Invalid([NOT_AN_OBJECT])
    return value


def read(
    model: type[M],
    value: object,
    *,
    now: datetime,
    consent_sent_at: datetime | None = None,
    look: Callable[[dict[str, Any]], Iterable[FieldError]] = lambda _: (),
) -> M:
    """The parsed model. Raises Invalid with what it finds and what `look` finds in the raw object. Times are aware."""
    raw = as_object(value)
    clock = {"now": now, "today": day_in_london(now), "consent_sent_at": consent_sent_at or now}
    found: M | None = None
    try:
        found, errors = model.model_validate(raw, context=clock), [*look(raw)]
    except ValidationError as error:
        errors = [*from_pydantic(error), *look(raw)]
    if found is None or errors:
        raise Invalid(errors)
    return found


def read_referral(value: object, *, now: datetime, consent_sent_at: datetime | None = None) -> Submission:
    """Read a referral at the aware time `now`; consent that was sent earlier had to be recent then.

    Raises Invalid with all errors. A missing member is one of them, unless `safety` or `mental_health` tells of a
    danger: then it is listed in `gaps`. What is there has to be readable in any case.
    """
    missing = gaps(as_object(value))
    document = read(
        ReferralDocument,
        value,
        now=now,
        consent_sent_at=consent_sent_at,
        look=lambda raw: [*conflicts(raw), *(() if is_urgent(raw) else missing)],
    )
    return Submission(document, tuple(gap.pointer for gap in missing))


def read_enquiry(value: object, *, now: datetime) -> Enquiry:
    """Read an enquiry; raises Invalid with all errors."""
    return read(Enquiry, value, now=now, look=_missing_in_enquiry)


def _missing_in_enquiry(raw: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from missing_members(raw, {"kind": (), "referrer": (), "topic": ()})
    if raw.get("referrer") is not None:
        yield from missing_members(raw, {"referrer": REQUIRED["referrer"]})


def read_withdrawal(value: object, *, now: datetime) -> WithdrawalReason:
    """Read the reason of `{"reason": code}`; raises Invalid."""
    withdrawal = read(Withdrawal, value, now=now, look=lambda raw: missing_members(raw, {"reason": ()}))
    return cast("WithdrawalReason", withdrawal.reason)


def read_challenge(value: object, *, now: datetime) -> str:
    """Read the words of a challenge; raises Invalid, without words too."""
    notes = read(Challenge, value, now=now).notes
    if not notes or not notes.strip():
        raise Invalid([required("/notes")])
    return notes


def read_information(value: object, *, now: datetime) -> Information:
    """Read an answer: words, changed members, or both; raises Invalid.

    Members of the referral are only named here: `read_referral(merge_patch(original, changes))` reads them.
    """
    changes = {name: member for name, member in as_object(value).items() if name != "notes"}
    unknown = [unknown_member((name,)) for name in changes if name not in ReferralDocument.model_fields]
    notes = read(InformationBody, value, now=now, look=lambda _: unknown).notes
    if not changes and not (notes or "").strip():
        raise Invalid([required("/notes", "An answer in words or a changed member is needed.")])
    return Information(notes, changes)


def merge_patch(original: Mapping[str, Any], patch: object) -> dict[str, Any]:
    """Return the referral's JSON with the patch (RFC 7396): null removes, lists are replaced whole; no checks yet.

    Raises Invalid when the patch is not an object or changes `external_reference`, by which the agency knows it.
    """
    changes = as_object(patch)
    if _FIXED in changes and changes[_FIXED] != original.get(_FIXED):
        raise Invalid([FieldError(f"/{_FIXED}", "fixed", "This can't be changed; send a new referral.")])
    return _merged(original, changes)


def _merged(original: object, patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(original) if isinstance(original, Mapping) else {}
    for name, change in patch.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), change) if isinstance(change, dict) else change
    return merged


def keep_dangers(original: Mapping[str, Any], changed: Mapping[str, Any], taken_back: Collection[str] = ()) -> Any:
    """`changed` with every danger of before that nobody has taken back by its code: a slip is no all-clear."""
    before = [tick for tick in original.get("safety") or () if tick in DANGERS and tick not in taken_back]
    flag = original.get("mental_health")
    kept = dict(changed)
    ticks = list(kept.get("safety") or ())
    if missing := [tick for tick in before if tick not in ticks]:
        kept["safety"] = [*ticks, *missing]
    if flag in RED_FLAGS and flag not in taken_back and kept.get("mental_health") not in RED_FLAGS:
        kept["mental_health"] = flag
    return kept


def split_taken_back(patch: object) -> tuple[object, tuple[str, ...]]:
    """The patch without `taken_back`, and the dangers that it takes back. Raises Invalid for a code that is none."""
    if not isinstance(patch, Mapping) or _TAKEN_BACK not in patch:
        return patch, ()
    codes = patch[_TAKEN_BACK]
    known = sorted({*DANGERS, *RED_FLAGS})
    if not isinstance(codes, list) or not all(isinstance(each, str) and each in known for each in codes):
        words = f"A list of: {', '.join(known)}."
        raise Invalid([FieldError(f"/{_TAKEN_BACK}", "not-in-list", words)])
    return {name: value for name, value in patch.items() if name != _TAKEN_BACK}, tuple(codes)


def dropped(original: Mapping[str, Any], patch: object) -> list[str]:
    """JSON pointers to what a replaced list no longer says: members of its entries, and whole entries.

    Entry by entry, as they stand in the list; of a list of codes the codes that are gone.
    """
    changes = patch if isinstance(patch, Mapping) else {}
    return sorted(
        pointer
        for name, after in changes.items()
        if isinstance(before := original.get(name), list)
        for pointer in _dropped_of(name, before, after if isinstance(after, list) else [])
    )


def _dropped_of(name: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    for number, was in enumerate(before):
        if not isinstance(was, Mapping):
            if was not in after:
                yield f"/{name}/{was}"
            continue
        now = after[number] if number < len(after) else None
        if not isinstance(now, Mapping):
            yield f"/{name}/{number}"
            continue
        yield from (f"/{name}/{number}/{member}" for member in was if now.get(member) is None)
