"""What we ask an agency about its referral: topics for every reader, the words for the agency's own program.

Words are in no mail and no event, because staff may name people in them. Triage keeps them and writes each look into
its audit trail, as it does for the pages; here nothing of them is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.status import Progress, RouteState, Status, status_of
from shared.audit import Actor
from shared.database import sql
from shared.events import Route
from shared.problems import Problem

CONSENT_WORDS: Final = "Does the family agree to the referral? Please ask them."
ON_OUR_PAGES: Final = "A person of your agency sent this on our pages, and reads there what we ask"


class Topic(StrEnum):
    """What a question is about, so far as a code can say."""

    CONSENT = "consent"
    INFORMATION = "information"


class Asked(Protocol):
    """A question of a member of staff."""

    at: datetime
    words: str
    is_open: bool


class AsksTriage(Protocol):
    """`front.clients.TriageClient`: the questions of one referral, oldest first; None when triage can't say now."""

    async def questions(self, referral_id: UUID, by: Actor) -> Sequence[Any] | None: ...


def topics(known: Progress) -> list[Topic]:
    """Topics of the open questions: consent when the rules ask for it, information when a person does."""
    if status_of(known) is not Status.WAITING_FOR_REFERRER:
        return []
    waiting = {route for route, state in known.routes.items() if state is RouteState.WAITING_FOR_REFERRER}
    return sorted({Topic.CONSENT if route == Route.INFO_REQUEST else Topic.INFORMATION for route in waiting})


_ABOUT: Final = sql("""
    SELECT r.id, EXISTS (SELECT FROM author WHERE referral_id = r.id) AS is_of_a_person,
        (SELECT max(changed_at) FROM route_state
         WHERE referral_id = r.id AND route = :route AND state = :waits) AS consent_since
    FROM referral r WHERE r.reference = :reference AND r.agency_id = :agency
""")


async def about(tx: AsyncConnection, *, agency_id: UUID, reference: str) -> Any:
    """The referral's `id`, and since when the rules wait for consent (`consent_since`, or None).

    Raises Problem 404 when it is not the agency's, and 403 when one of its people sent it on our pages.
    """
    asked = {"route": Route.INFO_REQUEST.value, "waits": RouteState.WAITING_FOR_REFERRER.value}
    found = await tx.execute(_ABOUT, {"reference": reference, "agency": agency_id, **asked})
    row = found.one_or_none()
    if row is None:
        raise Problem("not-found")
    if row.is_of_a_person:
        raise Problem("forbidden", ON_OUR_PAGES)
    return row


def listed(shown: Mapping[str, Any], consent_since: datetime | None, asked: Sequence[Asked]) -> dict[str, Any]:
    """Every question, oldest first; the one of the rules only while it is open. `shown` is the answer of GET."""
    waits = shown["status"] == Status.WAITING_FOR_REFERRER
    items = [_item(each.at, Topic.INFORMATION, each.words, is_open=each.is_open and waits) for each in asked]
    if consent_since and waits:
        items.append(_item(consent_since, Topic.CONSENT, CONSENT_WORDS, is_open=True))
    items.sort(key=lambda item: item["at"])
    return {"reference": shown["reference"], "status": shown["status"], "items": items}


def _item(at: datetime, topic: Topic, words: str, *, is_open: bool) -> dict[str, Any]:
    return {"at": at.isoformat(timespec="milliseconds"), "about": topic.value, "words": words, "is_open": is_open}
