"""What an agency sees of its referrals: one, or the feed of those that changed; and the reads that need only rows."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import asked, feed_cursor, feed_epoch, history, tables
from services.referral.facts import dangers_in
from services.referral.identity import Identities
from services.referral.status import (
    ALSO_REFERRED,
    CHALLENGED,
    ERASED,
    MAY_CHALLENGE,
    Progress,
    RouteState,
    Status,
    by_route,
    dates,
    next_step,
    shown_to_agency,
    status_of,
)
from shared.database import sql
from shared.events import FAMILY_WORK, Hold
from shared.problems import Problem
from shared.service_map import SIGNPOSTS, ServiceMap


async def route_states(tx: AsyncConnection, referral_id: UUID) -> dict[str, RouteState]:
    """The state of each route of a referral."""
    rows = await tx.execute(
        sa.select(tables.route_state.c.route, tables.route_state.c.state)
        .where(tables.route_state.c.referral_id == referral_id)
        .order_by(tables.route_state.c.changed_at)
    )
    return by_route((row.route, row.state) for row in rows)


def progress(row: sa.Row[Any], routes: dict[str, RouteState]) -> Progress:
    return Progress.model_validate(
        {
            "decision": row.decision,
            "decided_by": row.decided_by,
            "withdrawn_at": row.withdrawn_at,
            "declined_at": row.declined_at,
            "routes": routes,
        }
    )


def _progress_of(row: sa.Row[Any]) -> Progress:
    return progress(row, by_route(row.routes or []))


async def one(
    tx: AsyncConnection,
    identities: Identities,
    *,
    agency_id: UUID,
    reference: str,
    service_map: ServiceMap,
    on: date,
) -> dict[str, Any]:
    """One referral or enquiry of the agency.

    Raises Problem 404 for another agency's as for one that does not exist, and 410 for one that is erased.
    """
    row = (await tx.execute(_ONE, {"agency": agency_id, "reference": reference, **_FAMILY_WORK})).one_or_none()
    if row is None:
        raise Problem("not-found")
    if row.wrapped_key is None:
        raise Problem("erased")
    known = _progress_of(row)
    return _shown(row, known, identities) | {
        "other_help": _other_help(known, row.facts, service_map, on=on),
        "history": [history.shown(line, known) for line in row.history or []],
    }


def _other_help(known: Progress, facts: dict[str, Any] | None, service_map: ServiceMap, *, on: date) -> list[Any]:
    """Who else can help, on the routes that the agency sees; after a loss (C1) nothing is offered."""
    decision = shown_to_agency(known)
    if not decision or not facts or (known.decision and Hold.C1 in known.decision.holds):
        return []
    shown = {each["route"] for each in decision["routes"]}
    found = [
        service
        for route in SIGNPOSTS
        if route in shown
        for service in service_map.signposts(route, ward=facts["place"]["ward"], on=on)
    ]
    return [
        {"name": each.name, "offers": each.offers, "phone": each.contact.phone, "web": each.contact.web}
        for each in dict.fromkeys(found)
    ]


_FAMILY_WORK: Final = {"family_work": sorted(FAMILY_WORK)}

_COLUMNS: Final = """
    r.id, r.reference, r.kind, r.version, r.received_at, r.expected_by, r.facts, r.gaps, r.decision, r.decided_by,
    r.declined_at, r.challenged_at, r.withdrawn_at, r.changed_in, r.wrapped_key, r.external_sealed,
    (SELECT min(due_at) FROM route_state WHERE referral_id = r.id AND route = ANY(CAST(:family_work AS text[]))
        AND contacted_at IS NULL AND state NOT IN ('closed', 'declined', 'replaced')) AS contact_due_at,
    (SELECT jsonb_agg(jsonb_build_array(route, state) ORDER BY changed_at)
        FROM route_state WHERE referral_id = r.id) AS routes,
    (SELECT jsonb_agg(DISTINCT link) FROM kin WHERE referral_id = r.id AND is_told) AS links
"""
"""What an agency is shown: never who the family is, which is the larger part of a row.

`contact_due_at` is when the first contact is due that a team has not made yet.
"""

_ONE: Final = sql(f"""
    SELECT {_COLUMNS},
        (SELECT jsonb_agg(jsonb_build_object('at', at, 'what', what, 'detail', detail) ORDER BY at, id)
         FROM history WHERE referral_id = r.id) AS history
    FROM referral r WHERE r.reference = :reference AND r.agency_id = :agency
""")  # noqa: S608  the columns are constants

_OF_MEMBER: Final = sql(f"""
    SELECT {_COLUMNS}, r.changed_in <> author.looked_in AS has_changed
    FROM author JOIN referral r ON r.id = author.referral_id
    WHERE author.member_id = :member ORDER BY r.received_at DESC, r.id DESC LIMIT :limit
""")  # noqa: S608  the columns are constants
_OF_AGENCY: Final = sql(f"""
    SELECT {_COLUMNS}, author.member_id, member.staff_id IS NOT NULL AS is_by_staff
    FROM (SELECT id FROM referral WHERE agency_id = :agency
          ORDER BY received_at DESC, id DESC LIMIT :limit OFFSET :offset) page
        JOIN referral r ON r.id = page.id
        LEFT JOIN author ON author.referral_id = r.id LEFT JOIN member ON member.id = author.member_id
    ORDER BY r.received_at DESC, r.id DESC
""")  # noqa: S608  the columns are constants
"""Only the keys of an agency's referrals are sorted: with 20,000 of them the last page took 1.9 s when whole rows were,
and 0.13 s so (2 cores, busy with other work)."""
MOST_LISTED: Final = 500
"""Of one person's referrals, the latest ones: a page with more is not read, and each can be found by its reference."""

_FEED: Final = sql(f"""
    SELECT {_COLUMNS} FROM referral r
    WHERE agency_id = :agency AND (changed_in, id) > (:since, CAST(:after AS uuid))
        AND (CAST(:external AS bytea[]) IS NULL OR external_digest = ANY(CAST(:external AS bytea[])))
        AND changed_in < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)
    ORDER BY changed_in, id LIMIT :limit
""")  # noqa: S608  the columns are constants


async def feed(
    tx: AsyncConnection,
    identities: Identities,
    *,
    agency_id: UUID,
    cursor: str | None,
    limit: int,
    external_reference: str | None = None,
) -> dict[str, Any]:
    """New or changed since the cursor, oldest first; the feed ends before open transactions, so it skips nothing.

    `external_reference`: only the one that the agency knows by this reference of its own.
    """
    external = list(identities.external_digests(agency_id, external_reference)) or None
    epoch = await feed_epoch.current(tx)
    since, after = feed_cursor.read(identities, cursor, epoch)
    rows = (
        await tx.execute(
            _FEED,
            {"agency": agency_id, "since": since, "after": after, "limit": limit, "external": external, **_FAMILY_WORK},
        )
    ).all()
    last = (rows[-1].changed_in, rows[-1].id) if rows else (since, after)
    items = [_shown(row, _progress_of(row), identities) for row in rows]
    return {"items": items, "next": feed_cursor.write(identities, last[0], last[1], epoch)}


async def of_member(tx: AsyncConnection, identities: Identities, member_id: UUID) -> list[dict[str, Any]]:
    """What one person of an agency has sent, the latest first; `has_changed` since they looked at it."""
    rows = await tx.execute(_OF_MEMBER, {"member": member_id, "limit": MOST_LISTED, **_FAMILY_WORK})
    return [_shown(row, _progress_of(row), identities) | {"has_changed": row.has_changed} for row in rows]


async def of_agency(tx: AsyncConnection, agency_id: UUID, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Which referrals an agency has, the latest first, for those who may know no more: the reference, where it stands,
    the day, and whose it is (`member_id`, None for one that a program sent; `is_by_staff` when told by telephone).
    """
    rows = await tx.execute(_OF_AGENCY, {"agency": agency_id, "limit": limit, "offset": offset, **_FAMILY_WORK})
    return [
        {
            "reference": row.reference,
            "status": Status.CLOSED if row.wrapped_key is None else status_of(_progress_of(row)),
            "received_at": row.received_at,
            "member_id": row.member_id,
            "is_by_staff": row.is_by_staff,
        }
        for row in rows
    ]


def _erased(row: sa.Row[Any]) -> dict[str, Any]:
    """That there was a referral, and when: nothing else is known any more."""
    times = {"received_at": row.received_at.isoformat(timespec="milliseconds")}
    nothing = dict.fromkeys(("decision", "decision_by", "first_contact_by", "expected_by"))
    said = {"next_step": ERASED, "links": [], "gaps": [], "asked": [], "dangers": [], "version": row.version}
    closed = {"status": Status.CLOSED.value, "external_reference": None}
    return {"reference": row.reference, "kind": row.kind, **closed, **times, **nothing, **said}


def _shown(row: sa.Row[Any], known: Progress, identities: Identities) -> dict[str, Any]:
    if row.wrapped_key is None:
        return _erased(row)
    status, links = status_of(known), row.links or []
    words = next_step(status, row.kind)
    if status is Status.DECLINED:
        words = _after_a_decline(words, row)
    if "duplicate" in links:
        words = ALSO_REFERRED if status is Status.CLOSED else f"{words} {ALSO_REFERRED}"
    return {
        "reference": row.reference,
        "kind": row.kind,
        "external_reference": identities.external(row.id, row.wrapped_key, row.external_sealed),
        "status": status.value,
        "dangers": dangers_in(row.facts),
        "received_at": row.received_at.isoformat(timespec="milliseconds"),
        "version": row.version,
        "decision": shown_to_agency(known),
        "links": links,
        "gaps": row.gaps,
        "asked": asked.topics(known),
        "next_step": words,
        **dates(status, known.decision, decision_by=row.expected_by, contact_due_at=row.contact_due_at),
    }


def _after_a_decline(words: str, row: sa.Row[Any]) -> str:
    """A decline that is later than the challenge is the answer to it."""
    if row.challenged_at is None:
        return f"{words} {MAY_CHALLENGE}"
    return CHALLENGED if row.challenged_at >= row.declined_at else words
