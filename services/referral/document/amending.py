"""Changes to a referral: JSON merge patches and answers to a request for more information."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict

from services.referral.document.errors import FieldError, Invalid, required, unknown_member
from services.referral.document.model import Part, ReferralDocument
from services.referral.document.reading import as_object, read
from services.referral.document.text import FreeText
from shared.events import DANGERS, RED_FLAGS, WithdrawalReason

_FIXED: Final = "external_reference"
_TAKEN_BACK: Final = "taken_back"


class Withdrawal(Part):
    """`{"reason": code}`."""

    model_config = ConfigDict(json_schema_extra={"required": ["reason"]})
    reason: WithdrawalReason | None = None


class Challenge(Part):
    """`{"notes": text}`: why the referrer asks to look again at a decline."""

    model_config = ConfigDict(json_schema_extra={"required": ["notes"]})
    notes: FreeText | None = None


class Answer(Part):
    """`{"notes": text, ...}`: the answer in words, and any member of the referral that changes."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"minProperties": 1})
    notes: FreeText | None = None


@dataclass(frozen=True, slots=True)
class Information:
    """The referrer's answer. `notes` stand beside the referral's own; `changes` are a merge patch of it."""

    notes: str | None
    changes: Mapping[str, Any]


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


def read_withdrawal(value: object, *, now: datetime) -> WithdrawalReason:
    """Read the reason of `{"reason": code}`; raises Invalid."""
    raw = as_object(value)
    withdrawal, errors = read(Withdrawal, raw, now=now)
    if raw.get("reason") is None:
        errors = [*errors, required("/reason")]
    if withdrawal is None or withdrawal.reason is None or errors:
        raise Invalid(errors)
    return withdrawal.reason


def read_challenge(value: object, *, now: datetime) -> str:
    """Read the words of a challenge; raises Invalid, without words too."""
    challenge, errors = read(Challenge, as_object(value), now=now)
    if challenge is None or errors:
        raise Invalid(errors)
    if not challenge.notes or not challenge.notes.strip():
        raise Invalid([required("/notes")])
    return challenge.notes


def read_information(value: object, *, now: datetime) -> Information:
    """Read an answer: words, changed members, or both; raises Invalid.

    Members of the referral are only named here: `read_referral(merge_patch(original, changes))` reads them.
    """
    raw = as_object(value)
    answer, errors = read(Answer, raw, now=now)
    changes = {name: member for name, member in raw.items() if name != "notes"}
    errors += [unknown_member((name,)) for name in changes if name not in ReferralDocument.model_fields]
    if not errors and not changes and (answer is None or not (answer.notes or "").strip()):
        errors = [required("/notes", "An answer in words or a changed member is needed.")]
    if answer is None or errors:
        raise Invalid(errors)
    return Information(answer.notes, changes)
