"""The links between referrals as rows: worked out afresh on every arrival, change and end of either side, and replaced.

    tokens → candidates (the newest MOST of each token) → matching → `kin` (one row a side) → facts and family of both

`kin` has every pair that matches, from both sides; `link` is what the other says to this one, None when it says nothing
any more (it ended long ago). A person's word in `family_judgment` stands above the matching.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.families.matching import Relation, link_of, match
from services.referral.families.profile import Profile
from services.referral.status import ended_at
from shared.database import sql
from shared.events import Link, LinkedReferral
from shared.policy import Policy

MOST: Final = 20
"""Referrals that one is compared with, and links that it carries: the newest. A family has a few, a probe thousands."""


@dataclass(frozen=True, slots=True)
class Known:
    """A referral as its links need it."""

    id: UUID
    reference: str
    agency_id: UUID
    family_id: UUID
    profile: Profile
    received_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RelatedReferral:
    """Two referrals that match, from the side of `own`."""

    own: Known
    other: Known
    link: Link | None
    is_told: bool
    is_answered: bool = False
    """A person said that it is one family: nobody has to ask again."""
    in_facts: bool = True
    """False: the other came later, and this one has not changed since: whoever works on it sees it, no rule does."""

    @property
    def linked(self) -> LinkedReferral | None:
        if self.link is None:
            return None
        return LinkedReferral(
            id=self.other.id,
            reference=self.other.reference,
            agency_id=self.other.agency_id,
            link=self.link,
            is_told=self.is_told,
        )


@dataclass(frozen=True, slots=True)
class Links:
    """What a referral carries of its pairs: the codes of its facts, and the list for whoever works on it."""

    codes: tuple[Link, ...] = ()
    linked: tuple[LinkedReferral, ...] = ()


def links_of(pairs: Iterable[RelatedReferral]) -> Links:
    newest = sorted(pairs, key=lambda pair: (pair.other.received_at, pair.other.id))[-MOST:]
    return _carrying((each, pair.in_facts and not pair.is_answered) for pair in newest if (each := pair.linked))


def _carrying(linked: Iterable[tuple[LinkedReferral, bool]]) -> Links:
    """Of each whether it is asked about: only then its code is a fact."""
    entries = list(linked)
    asked = {each.link for each, is_asked in entries if is_asked}
    return Links(tuple(code for code in Link if code in asked), tuple(each for each, _ in entries))


def told_codes(linked: Iterable[LinkedReferral]) -> list[str]:
    """The links that an agency may hear of."""
    return sorted({each.link.value for each in linked if each.is_told})


Judgments = Mapping[frozenset[UUID], bool]
"""Two referrals → whether a person said that they are of one family."""


def pairs_of(own: Known, others: Iterable[Known], judgments: Judgments, policy: Policy) -> list[RelatedReferral]:
    """Those of `others` that match."""
    found = (pair(own, other, judgments.get(frozenset({own.id, other.id})), policy) for other in others)
    return [each for each in found if each]


def pair(own: Known, other: Known, is_same: bool | None, policy: Policy) -> RelatedReferral | None:
    """None for strangers, and where a person said that they are not the same."""
    matched = Relation.SAME_BABY if is_same else match(own.profile, other.profile, policy.age)
    if matched is None or is_same is False:
        return None
    link: Link | None = Link.DUPLICATE
    is_one_agency = own.agency_id == other.agency_id
    if is_one_agency or not is_same:
        link = link_of(
            matched,
            is_own_agency=is_one_agency,
            received_at=own.received_at,
            other_received_at=other.received_at,
            other_ended_at=other.ended_at,
            policy=policy,
        )
    is_answered = bool(is_same) and link is Link.DUPLICATE
    may_be_told = not own.profile.is_private and not other.profile.is_private
    return RelatedReferral(own, other, link, link is Link.REPEAT or (is_answered and may_be_told), is_answered)


async def candidates(tx: AsyncConnection, wanted: Mapping[UUID, Collection[bytes]]) -> dict[UUID, list[UUID]]:
    """For each referral the newest others that share a token with it; the time does not grow with the family."""
    asked = [(own, token) for own, tokens in wanted.items() for token in tokens]
    if not asked:
        return {}
    rows = await tx.execute(
        sql("""
            SELECT DISTINCT t.own, f.referral_id
            FROM unnest(CAST(:own AS uuid[]), CAST(:tokens AS bytea[])) AS t(own, token)
            CROSS JOIN LATERAL (
                SELECT referral_id FROM family_token WHERE token = t.token AND referral_id <> t.own
                ORDER BY referral_id DESC LIMIT :most
            ) f
        """),
        {"own": [own for own, _ in asked], "tokens": [token for _, token in asked], "most": MOST},
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row.own, []).append(row.referral_id)
    return {own: sorted(others, reverse=True)[:MOST] for own, others in found.items()}


_KNOWN: Final = sql("""
    SELECT r.id, r.reference, r.agency_id, r.family_id, r.profile, r.received_at,
           r.withdrawn_at, r.declined_at, r.ended_at,
           (SELECT array_agg(s.state) FROM route_state s WHERE s.referral_id = r.id) AS states
    FROM referral r WHERE r.id = ANY(CAST(:ids AS uuid[])) AND r.wrapped_key IS NOT NULL
""")


async def known(tx: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Known]:
    """Without those that were erased."""
    if not ids:
        return {}
    return {
        row.id: Known(
            id=row.id,
            reference=row.reference,
            agency_id=row.agency_id,
            family_id=row.family_id,
            profile=Profile.model_validate(row.profile),
            received_at=row.received_at,
            ended_at=ended_at(row.withdrawn_at, row.declined_at, row.ended_at, row.states or ()),
        )
        for row in await tx.execute(_KNOWN, {"ids": list(ids)})
    }


async def judgments(tx: AsyncConnection, own: UUID) -> dict[frozenset[UUID], bool]:
    """What persons said of pairs with this referral."""
    rows = await tx.execute(
        sql("SELECT one_id, other_id, is_same FROM family_judgment WHERE :own IN (one_id, other_id)"), {"own": own}
    )
    return {frozenset({row.one_id, row.other_id}): row.is_same for row in rows}


async def others_of(tx: AsyncConnection, own: UUID) -> set[UUID]:
    """The other side of every pair that is kept."""
    rows = await tx.execute(sql("SELECT other_id FROM kin WHERE referral_id = :own"), {"own": own})
    return set(rows.scalars())


async def carried(tx: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Links]:
    """What each referral carries by the rows as they are now."""
    rows = await tx.execute(
        sql("""
            SELECT k.referral_id, k.link, k.is_told, k.in_facts AND NOT k.is_answered AS is_asked,
                   o.id, o.reference, o.agency_id
            FROM unnest(CAST(:ids AS uuid[])) AS t(id) CROSS JOIN LATERAL (
                SELECT * FROM kin WHERE referral_id = t.id AND link IS NOT NULL ORDER BY other_id DESC LIMIT :most
            ) k JOIN referral o ON o.id = k.other_id ORDER BY o.received_at, o.id
        """),
        {"ids": list(ids), "most": MOST},
    )
    linked: dict[UUID, list[tuple[LinkedReferral, bool]]] = {each: [] for each in ids}
    for row in rows:
        other = LinkedReferral(
            id=row.id, reference=row.reference, agency_id=row.agency_id, link=Link(row.link), is_told=row.is_told
        )
        linked[row.referral_id].append((other, row.is_asked))
    return {each: _carrying(entries) for each, entries in linked.items()}


async def replace(
    tx: AsyncConnection, own: UUID, gone: Collection[UUID], pairs: Sequence[RelatedReferral]
) -> set[UUID]:
    """Keep these pairs of `own` from both sides, and drop those with `gone`; returns whom something changed for."""
    changed = set()
    if gone:
        rows = await tx.execute(
            sql("""
                DELETE FROM kin WHERE (referral_id = :own AND other_id = ANY(:gone))
                    OR (other_id = :own AND referral_id = ANY(:gone)) RETURNING referral_id
            """),
            {"own": own, "gone": list(gone)},
        )
        changed |= {row.referral_id for row in rows}
    if pairs:
        rows = await tx.execute(
            sql("""
                INSERT INTO kin AS k (referral_id, other_id, link, is_told, is_answered, in_facts)
                SELECT * FROM unnest(CAST(:own AS uuid[]), CAST(:other AS uuid[]), CAST(:link AS text[]),
                                     CAST(:told AS boolean[]), CAST(:answered AS boolean[]),
                                     CAST(:in_facts AS boolean[]))
                ON CONFLICT (referral_id, other_id) DO UPDATE
                SET link = excluded.link, is_told = excluded.is_told, is_answered = excluded.is_answered,
                    in_facts = k.in_facts OR excluded.in_facts
                WHERE (k.link, k.is_told, k.is_answered) IS DISTINCT FROM
                    (excluded.link, excluded.is_told, excluded.is_answered) OR excluded.in_facts AND NOT k.in_facts
                RETURNING referral_id
            """),
            {
                "own": [each.own.id for each in pairs],
                "other": [each.other.id for each in pairs],
                "link": [each.link and each.link.value for each in pairs],
                "told": [each.is_told for each in pairs],
                "answered": [each.is_answered for each in pairs],
                "in_facts": [each.in_facts for each in pairs],
            },
        )
        changed |= {row.referral_id for row in rows}
    return changed


async def keep_tokens(tx: AsyncConnection, tokens: Mapping[UUID, Collection[bytes]]) -> None:
    """Replace the tokens of these referrals."""
    rows = [(own, token) for own, each in tokens.items() for token in sorted(each)]
    await tx.execute(
        sql("""
            WITH fresh AS (
                SELECT * FROM unnest(CAST(:tokens AS bytea[]), CAST(:own AS uuid[])) AS t(token, referral_id)
            ), gone AS (
                DELETE FROM family_token f WHERE referral_id = ANY(CAST(:ids AS uuid[]))
                    AND NOT EXISTS (SELECT FROM fresh WHERE fresh.token = f.token AND fresh.referral_id = f.referral_id)
            )
            INSERT INTO family_token (token, referral_id) SELECT token, referral_id FROM fresh ON CONFLICT DO NOTHING
        """),
        {"tokens": [token for _, token in rows], "own": [own for own, _ in rows], "ids": list(tokens)},
    )


async def tokens_of(tx: AsyncConnection, referral_id: UUID) -> list[bytes]:
    """What another referral of the family shares with this one, and locks."""
    rows = await tx.execute(sql("SELECT token FROM family_token WHERE referral_id = :id"), {"id": referral_id})
    return [bytes(row.token) for row in rows]
