"""The blind indexes of families and the links between referrals, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.identity import Tokens
from services.referral.kinship import Kin
from shared.database import sql
from shared.events import Infant, Link, LinkedReferral


async def find(tx: AsyncConnection, wanted: Mapping[UUID, Tokens]) -> dict[UUID, list[Kin]]:
    """The earlier referrals that share a blind index with each of these; the referral itself is never its own kin."""
    pairs = [(own, token) for own, tokens in wanted.items() for token in tokens.all]
    if not pairs:
        return {}
    rows = await tx.execute(
        sql("""
            SELECT t.own, bool_or(f.is_baby) AS shares_baby, r.id, r.reference, r.agency_id, r.family_id,
                   r.facts -> 'infant' AS infant, r.is_baby_named, r.received_at,
                   coalesce(r.withdrawn_at, r.declined_at, r.ended_at) AS ended_at
            FROM unnest(CAST(:own AS uuid[]), CAST(:tokens AS bytea[])) AS t(own, token)
            JOIN family_token f ON f.token = t.token AND f.referral_id <> t.own
            JOIN referral r ON r.id = f.referral_id
            GROUP BY t.own, r.id
        """),
        {"own": [own for own, _ in pairs], "tokens": [token for _, token in pairs]},
    )
    kin: dict[UUID, list[Kin]] = {}
    for row in rows:
        kin.setdefault(row.own, []).append(_kin(row))
    return kin


def _kin(row: sa.Row[Any]) -> Kin:
    return Kin(
        id=row.id,
        reference=row.reference,
        agency_id=row.agency_id,
        family_id=row.family_id,
        infant=Infant.model_validate(row.infant),
        is_baby_named=row.is_baby_named,
        shares_baby=row.shares_baby,
        ended_at=row.ended_at,
        received_at=row.received_at,
    )


async def keep(
    tx: AsyncConnection, tokens: Mapping[UUID, Tokens], links: Mapping[UUID, Sequence[LinkedReferral]]
) -> None:
    """Store the tokens; store each link from both sides, and mark the other referral as changed by a new one."""
    rows = [(own, token, token in each.babies) for own, each in tokens.items() for token in each.all | each.sought]
    if rows:
        await tx.execute(
            sql("""
                INSERT INTO family_token (token, referral_id, is_baby)
                SELECT * FROM unnest(CAST(:tokens AS bytea[]), CAST(:own AS uuid[]), CAST(:babies AS boolean[]))
                ON CONFLICT DO NOTHING
            """),
            {"own": [row[0] for row in rows], "tokens": [row[1] for row in rows], "babies": [row[2] for row in rows]},
        )
    pairs = [(own, each.id, each.link) for own, linked in links.items() for each in linked]
    if pairs:
        await _keep_links(tx, pairs)


async def _keep_links(tx: AsyncConnection, pairs: Sequence[tuple[UUID, UUID, Link]]) -> None:
    await tx.execute(
        sql("""
            WITH pair AS (
                SELECT * FROM unnest(CAST(:own AS uuid[]), CAST(:other AS uuid[]), CAST(:link AS text[]))
                    AS t(own, other, link)
            ), kept AS (
                INSERT INTO kin (referral_id, other_id, link)
                SELECT own, other, link FROM pair
                UNION SELECT other, own, link FROM pair WHERE link <> 're_referral'
                ON CONFLICT DO NOTHING
                RETURNING referral_id, other_id, link
            ), fresh AS (
                SELECT kept.referral_id, kept.link FROM kept
                JOIN pair ON pair.other = kept.referral_id AND pair.own = kept.other_id
            ), told AS (
                INSERT INTO history (referral_id, at, what, detail) SELECT referral_id, now(), 'linked', link FROM fresh
            )
            UPDATE referral SET changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)
            FROM fresh WHERE referral.id = fresh.referral_id
        """),
        {
            "own": [pair[0] for pair in pairs],
            "other": [pair[1] for pair in pairs],
            "link": [pair[2].value for pair in pairs],
        },
    )
