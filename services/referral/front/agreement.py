"""A family's no ends the form: no names are taken or sent, unless the first page says that somebody is harmed.

A referral that was sent already can be corrected to a no all the same (correcting.py): what is kept has to be true, and
rule E13 then proposes to end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.referral.front.form import FormPage
from shared.events import RED_FLAGS, Consent, Safety

NEEDED_FIRST: Final = ("safety", "agreement")
"""Pages that name nobody in need of a yes: open whatever the family said, for an answer there decides."""


def is_refused(document: Mapping[str, Any]) -> bool:
    """Whether the family said no and nobody told of harm; what can't be read is no answer."""
    consent = document.get("consent")
    status = consent.get("status") if isinstance(consent, dict) else None
    return status == Consent.REFUSED and not _tells_of_harm(document)


def is_open(page: FormPage, document: Mapping[str, Any]) -> bool:
    """Whether the page may be asked; what was typed on the others stays in the draft."""
    return page.slug in NEEDED_FIRST or not is_refused(document)


def _tells_of_harm(document: Mapping[str, Any]) -> bool:
    """Any tick of the first page: abuse between adults too, for which rule E13s goes on without a yes."""
    told = document.get("safety")
    ticks = {tick for tick in told if isinstance(tick, str)} if isinstance(told, list) else set()
    return bool(ticks & {each.value for each in Safety}) or str(document.get("mental_health")) in RED_FLAGS
