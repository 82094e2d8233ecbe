"""What a new, changed, ended, judged or erased referral does to the others of its family: links, family id, events.

The other referral is decided anew only when its link to one that came before it has come or gone. A later arrival
changes nothing of the earlier one: whoever works on it sees the other, and the question whether it is one family is
asked once, at the later one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import history
from services.referral.families import links
from services.referral.families.links import Known, Links, RelatedReferral
from services.referral.families.profile import Profile
from services.referral.history import Occasion
from shared.database import sql
from shared.events import Link, ReferralAmended
from shared.messaging import outbox
from shared.messaging.outbox import Draft
from shared.policy import Policy


@dataclass(frozen=True, slots=True)
class Related:
    """A referral among its family."""

    family_id: UUID
    links: Links
    pairs: tuple[RelatedReferral, ...] = ()


async def of_new(
    tx: AsyncConnection, arrivals: Mapping[UUID, tuple[Known, Collection[bytes]]], policy: Policy
) -> dict[UUID, Related]:
    """How each new referral is related to those that are there; nothing is written. They share no token."""
    found = await links.candidates(tx, {own: tokens for own, (_, tokens) in arrivals.items()})
    others = await links.known(tx, {each for ids in found.values() for each in ids})
    related = {}
    for own, (arrival, _) in arrivals.items():
        theirs = [others[each] for each in found.get(own, ()) if each in others]
        pairs = links.pairs_of(arrival, theirs, {}, policy)
        family_id = _oldest([each.other for each in pairs]).family_id if pairs else own
        related[own] = Related(family_id, links.links_of(pairs), tuple(pairs))
    return related


async def note_new(tx: AsyncConnection, related: Mapping[UUID, Related], since: Occasion, policy: Policy) -> None:
    """After the new referrals are stored: their pairs from both sides, and a note on the earlier ones."""
    for own, each in related.items():
        if not each.pairs:
            continue
        mirrored = [replace(pair, in_facts=False) for pair in _from_the_other_side(each.pairs, policy)]
        await links.replace(tx, own, (), [*each.pairs, *mirrored])
        moved = await _join(tx, each.family_id, [pair.other.family_id for pair in each.pairs])
        await _tell(tx, moved - {own}, each.pairs[0].own, since)


async def afresh(
    tx: AsyncConnection, own: UUID, since: Occasion, policy: Policy, *, tell_own: bool = True, decides: bool = True
) -> Related:
    """Work out the pairs of a stored referral again, after anything about it has changed.

    `tell_own` False: the caller says itself what became of the referral. `decides` False: a person has decided.
    """
    before = await links.others_of(tx, own)
    found = await links.candidates(tx, {own: await links.tokens_of(tx, own)})
    everybody = await links.known(tx, {own, *before, *found.get(own, ())})
    judged = await links.judgments(tx, own)
    everybody |= await links.known(tx, {each for one in judged for each in one if judged[one]} - everybody.keys())
    me = everybody.pop(own, None)
    if me is None:
        return Related(own, Links())
    pairs = links.pairs_of(me, everybody.values(), judged, policy)
    gone = before - {each.other.id for each in pairs}
    mine = [replace(each, in_facts=each.other.id not in before or _came_before(each)) for each in pairs]
    theirs = [replace(each, in_facts=_came_before(each)) for each in _from_the_other_side(pairs, policy, judged)]
    changed = await links.replace(tx, own, gone, [*mine, *theirs])
    family_id, moved = await _family_of(tx, me, pairs, has_left=bool(gone))
    to_tell = (changed | moved) - (set() if tell_own else {own})
    await _tell(tx, to_tell, me, since, decides=decides)
    return Related(family_id, (await links.carried(tx, [own]))[own], tuple(pairs))


async def judge(
    tx: AsyncConnection, one: UUID, others: Collection[UUID], is_same: bool | None, since: Occasion, policy: Policy
) -> None:
    """A person says that these are of the same family, or not; None takes it back."""
    ordered = [(min(one, other), max(one, other)) for other in others]
    columns = {"ones": [each[0] for each in ordered], "others": [each[1] for each in ordered]}
    pairs = "unnest(CAST(:ones AS uuid[]), CAST(:others AS uuid[])) AS t(one_id, other_id)"
    if is_same is None:
        await tx.execute(
            sql(f"DELETE FROM family_judgment j USING {pairs} WHERE (j.one_id, j.other_id) = (t.one_id, t.other_id)"),  # noqa: S608  a constant
            columns,
        )
    else:
        await tx.execute(
            sql(
                "INSERT INTO family_judgment (one_id, other_id, is_same, at) "  # noqa: S608  a constant
                f"SELECT one_id, other_id, :is_same, :at FROM {pairs} "
                "ON CONFLICT (one_id, other_id) DO UPDATE SET is_same = excluded.is_same, at = excluded.at"
            ),
            {**columns, "is_same": is_same, "at": since.at},
        )
    await afresh(tx, one, since, policy, decides=is_same is False)


async def forget(tx: AsyncConnection, own: UUID, since: Occasion) -> None:
    """The referral is erased: nobody is its kin, and no row of another names it any more."""
    others = await links.others_of(tx, own)
    await links.replace(tx, own, others, ())
    await tx.execute(sql("DELETE FROM family_judgment WHERE :own IN (one_id, other_id)"), {"own": own})
    heirs = await _leave(tx, own)
    await tx.execute(
        sql("""
            UPDATE event e SET value = CAST(jsonb_set(CAST(e.value AS jsonb), '{linked}', coalesce((
                    SELECT jsonb_agg(l) FROM jsonb_array_elements(CAST(e.value AS jsonb) -> 'linked') l
                    WHERE l ->> 'id' <> :own), '[]'))
                || CASE WHEN CAST(e.value AS jsonb) ->> 'family_id' = :own
                    THEN jsonb_build_object('family_id', r.family_id) ELSE '{}' END AS text)
            FROM referral r
            WHERE r.id = e.key AND e.key = ANY(CAST(:others AS uuid[])) AND position(:own IN e.value) > 0
        """),
        {"own": str(own), "others": list(others | heirs)},
    )
    gone = Known(own, "", own, own, Profile(), since.at)
    await _tell(tx, others | heirs, gone, since, always=True)


def _from_the_other_side(
    pairs: Collection[RelatedReferral], policy: Policy, judged: links.Judgments | None = None
) -> list[RelatedReferral]:
    found = (
        links.pair(each.other, each.own, (judged or {}).get(frozenset({each.own.id, each.other.id})), policy)
        for each in pairs
    )
    return [each for each in found if each]


def _came_before(each: RelatedReferral) -> bool:
    """Whether the other is the earlier one."""
    return (each.other.received_at, each.other.id) < (each.own.received_at, each.own.id)


def _oldest(family: Collection[Known]) -> Known:
    return min(family, key=lambda each: (each.received_at, each.id))


async def _family_of(
    tx: AsyncConnection, me: Known, pairs: Collection[RelatedReferral], *, has_left: bool
) -> tuple[UUID, set[UUID]]:
    """The family id of a referral and its pairs, joined into one; and whom that moved."""
    moved: set[UUID] = set()
    mine = me.family_id
    if has_left or not pairs:
        moved |= await _leave(tx, me.id)
        mine = me.id
    if not pairs:
        return mine, moved
    theirs = {each.other.id: each.other.family_id for each in pairs}
    now = {
        row.id: row.family_id
        for row in await tx.execute(
            sql("SELECT id, family_id FROM referral WHERE id = ANY(:ids)"), {"ids": [*theirs, me.id]}
        )
    }
    target = now[_oldest([me, *(each.other for each in pairs)]).id]
    moved |= await _join(tx, target, list(now.values()))
    return target, moved


async def _leave(tx: AsyncConnection, own: UUID) -> set[UUID]:
    """The referral is a family of its own; those that stay behind keep an id that is one of theirs."""
    rows = await tx.execute(
        sql("""
            WITH family AS (SELECT id, family_id FROM referral WHERE family_id = :own AND id <> :own LIMIT 1000)
            UPDATE referral r SET family_id = CASE
                WHEN r.id = :own THEN r.id ELSE (SELECT id FROM family ORDER BY id LIMIT 1) END
            FROM (SELECT id FROM family UNION ALL SELECT CAST(:own AS uuid)) AS moved
            WHERE r.id = moved.id AND (r.id <> :own OR r.family_id <> r.id) RETURNING r.id
        """),
        {"own": own},
    )
    return {row.id for row in rows}


async def _join(tx: AsyncConnection, target: UUID, families: Collection[UUID]) -> set[UUID]:
    """All referrals of these families are of one family; returns those that were not."""
    apart = sorted(set(families) - {target})
    if not apart:
        return set()
    rows = await tx.execute(
        sql("""
            UPDATE referral SET family_id = :target
            WHERE id IN (SELECT id FROM referral WHERE family_id = ANY(:apart) LIMIT 1000) RETURNING id
        """),
        {"target": target, "apart": apart},
    )
    return {row.id for row in rows}


async def _tell(
    tx: AsyncConnection,
    ids: Collection[UUID],
    about: Known,
    since: Occasion,
    *,
    always: bool = False,
    decides: bool = True,
) -> None:
    """Say of each referral what it carries now: a new version when its link to one before it has come or gone."""
    if not ids:
        return
    carried = await links.carried(tx, ids)
    rows = await tx.execute(
        sql("""
            SELECT r.id, r.version, r.received_at, r.family_id, r.facts -> 'links' AS codes,
                   r.withdrawn_at IS NOT NULL AS is_withdrawn, e.value
            FROM referral r CROSS JOIN LATERAL (
                SELECT value FROM event WHERE key = r.id AND type IN ('referral.received.v1', 'referral.amended.v1')
                ORDER BY sequence DESC LIMIT 1
            ) e WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.wrapped_key IS NOT NULL ORDER BY r.id FOR UPDATE OF r
        """),
        {"ids": list(ids)},
    )
    drafts = []
    for row in rows.all():
        now, last = carried[row.id], ReferralAmended.model_validate_json(row.value)
        codes = [code.value for code in now.codes]
        is_new = codes != row.codes
        told = {each.id for each in now.linked if each.is_told and each.link is Link.DUPLICATE}
        told -= {each.id for each in last.linked if each.is_told}
        if not (is_new or told or always or row.family_id != last.family_id):
            continue
        comes_after = row.id == about.id or about.received_at < row.received_at
        is_decided = decides and is_new and comes_after and not row.is_withdrawn
        version = row.version + 1 if is_decided else row.version
        event = last.model_copy(
            update={
                "version": version,
                "by_agency": False,
                "family_id": row.family_id,
                "facts": last.facts.model_copy(update={"links": now.codes}),
                "linked": now.linked,
                "monitoring": None,
            }
        )
        await _keep(tx, row.id, event, is_shown=bool(told) or version > row.version)
        for _ in told:
            await history.add(tx, row.id, "linked", at=since.at, detail=Link.DUPLICATE.value)
        drafts.append(Draft(row.id, event, since.at, since.cause))
    await outbox.append(tx, drafts)


async def _keep(tx: AsyncConnection, referral_id: UUID, event: ReferralAmended, *, is_shown: bool) -> None:
    changed = ", changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)" if is_shown else ""
    await tx.execute(
        sql(
            "UPDATE referral SET version = :version, facts = jsonb_set(facts, '{links}', CAST(:codes AS jsonb))"  # noqa: S608  a constant
            f"{changed} WHERE id = :id"
        ),
        {
            "id": referral_id,
            "version": event.version,
            "codes": json.dumps([code.value for code in event.facts.links]),
        },
    )
