"""What the start page says beside its lists: how safety work stands, and what is new for one person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items.conditions import CHALLENGED, IS_MET, IS_OPEN, IS_OVERDUE, IS_WATCHED
from services.triage.work_items.places import URGENCY_RANK
from shared.access import Permission, Staff
from shared.database import sql
from shared.working_time import day_in_london

MOST_NEWS: Final = 20

_WATCH: Final = sql(f"""
    SELECT count(*) AS open, count(*) FILTER (WHERE {IS_OVERDUE}) AS late,
        count(*) FILTER (WHERE assignee IS NULL) AS unowned,
        count(*) FILTER (WHERE assignee IN (SELECT id FROM colleague WHERE away_until >= :today)) AS away
    FROM work_item WHERE {IS_OPEN} AND {IS_WATCHED} AND NOT {IS_MET}
""")  # noqa: S608  conditions of conditions.py

_NEWS: Final = sql(f"""
    SELECT w.id, w.reference, w.route, w.urgency, news.action, news.detail, news.at, count(*) OVER () AS total,
        coalesce(k.name, news.actor_id) AS who
    FROM work_item w CROSS JOIN LATERAL (
        SELECT action, detail, at, actor_id FROM audit
        WHERE referral_id = w.referral_id
            AND (action IN ('referral.informed', 'referral.proposed', 'referral.challenged', 'referral.withdrawn')
                OR action = 'referral.decided' AND actor_kind = 'system'
                OR action = 'item.escalated' AND detail IN ('place_free', 'ages_out_soon')
                OR action IN ('item.assign', 'item.hand-back') AND detail = :me)
            AND id > coalesce((SELECT max(id) FROM audit own WHERE own.referral_id = w.referral_id
                               AND own.actor_kind = 'staff' AND own.actor_id = :me), 0)
        ORDER BY id DESC LIMIT 1
    ) news LEFT JOIN colleague k ON k.id = news.actor_id
    WHERE {IS_OPEN} AND (assignee = :me OR :is_lead AND assignee IS NULL AND marks ? '{CHALLENGED}')
    ORDER BY {URGENCY_RANK}, news.at DESC, w.id LIMIT {MOST_NEWS}
""")  # noqa: S608  as above


async def watch(tx: AsyncConnection, *, now: datetime) -> sa.Row[Any]:
    """Safety work, `now` and `4h` that are not done: how many are open, late, with nobody, with somebody away."""
    return (await tx.execute(_WATCH, {"now": now, "today": day_in_london(now)})).one()


async def news(tx: AsyncConnection, staff: Staff) -> Sequence[sa.Row[Any]]:
    """The latest that happened to each work item of theirs since they last looked at it or did something there.

    The most urgent first, at most MOST_NEWS, each with the `total`. A lead also hears of challenges nobody has taken.
    """
    return (await tx.execute(_NEWS, {"me": staff.id, "is_lead": staff.may(Permission.CONFIRM_DECLINE)})).all()
