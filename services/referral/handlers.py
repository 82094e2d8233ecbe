"""What triage says about a referral, kept so that its agency can see it. One function per event, no commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.families import relating
from services.referral.history import Occasion
from services.referral.status import RouteState
from shared.database import sql
from shared.events import (
    GOES_ON,
    AboutWorkItem,
    ClosureReason,
    DecidedBy,
    Envelope,
    FamilyJudged,
    Mode,
    ReferralTriaged,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemDueMoved,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
    opened_by,
)
from shared.messaging.dispatch import AtOnce, Handlers, rounds
from shared.messaging.outbox import because_of
from shared.policy import Policy

_DECIDED: Final = sql("""
    WITH news AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:decisions AS text[]), CAST(:by AS text[]),
                             CAST(:versions AS integer[]), CAST(:times AS timestamptz[]), CAST(:whats AS text[]),
                             CAST(:days AS date[]))
            AS t(id, decision, decided_by, version, at, what, decided_on)
    ), told AS (
        INSERT INTO history (referral_id, at, what, detail) SELECT id, at, what, CAST(version AS text) FROM news
    )
    UPDATE referral SET decision = CAST(news.decision AS jsonb), decided_by = news.decided_by,
        decided_version = news.version, decided_at = news.at,
        expected_by = coalesce(news.decided_on, referral.expected_by),
        declined_at = CASE WHEN declined_at >= news.at THEN declined_at END,
        ended_at = CASE WHEN ended_at >= news.at THEN ended_at END,
        changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)
    FROM news WHERE referral.id = news.id AND coalesce(referral.decided_version, 0) <= news.version
""")

_MOVED: Final = sql("""
    WITH news AS (
        SELECT * FROM unnest(CAST(:items AS uuid[]), CAST(:ids AS uuid[]), CAST(:routes AS text[]),
                             CAST(:states AS text[]), CAST(:times AS timestamptz[]), CAST(:whats AS text[]),
                             CAST(:dues AS timestamptz[]), CAST(:sequences AS integer[]), CAST(:marks AS boolean[]))
            AS t(item, id, route, state, at, what, due_at, sequence, marks)
    ), told AS (
        INSERT INTO history (referral_id, at, what, detail) SELECT id, at, what, route FROM news
    ), changed AS (
        UPDATE referral SET changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)
        WHERE id IN (SELECT id FROM news WHERE marks)
    )
    INSERT INTO route_state AS s (work_item_id, referral_id, route, state, changed_at, due_at, sequence, contacted_at)
    SELECT DISTINCT ON (item) item, id, route, state, at, due_at, sequence,
        CASE WHEN what = 'first-contact' THEN at END
    FROM news ORDER BY item, sequence DESC
    ON CONFLICT (work_item_id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at,
        due_at = coalesce(excluded.due_at, s.due_at), sequence = excluded.sequence,
        contacted_at = coalesce(s.contacted_at, excluded.contacted_at)
    WHERE coalesce(s.sequence, 0) <= excluded.sequence
""")

_REOPENED: Final = sql("""
    UPDATE referral SET declined_at = CASE WHEN declined_at > news.at THEN declined_at END,
        ended_at = CASE WHEN ended_at > news.at THEN ended_at END
    FROM (
        SELECT id, max(at) AS at FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS t(id, at)
        GROUP BY id
    ) AS news WHERE referral.id = news.id
""")


async def keep_decisions(events: Sequence[Envelope[ReferralTriaged]], tx: AsyncConnection, *, policy: Policy) -> None:
    """The latest decision of each referral, and the day by which a person decides; never an older version.

    Work begins anew with it: an outcome from before it is none any more.
    """
    for round_ in rounds(events):
        await tx.execute(
            _DECIDED,
            {
                "ids": [event.key for event in round_],
                "decisions": [event.data.decision.model_dump_json() for event in round_],
                "by": [event.data.decided_by.value for event in round_],
                "versions": [event.data.version for event in round_],
                "times": [event.occurred_at for event in round_],
                "whats": [
                    "decided" if event.data.decided_by is DecidedBy.MACHINE else "decided-by-person" for event in round_
                ],
                "days": [_decided_on(event, policy) for event in round_],
            },
        )
        opened = opened_by(round_)
        if opened:
            await _keep_states(opened, [_state_of(event.data) for event in opened], "opened", tx, marks=False)


def _decided_on(event: Envelope[ReferralTriaged], policy: Policy) -> date | None:
    """The day that the agency's mail names; None when nobody has to decide any more."""
    decision = event.data.decision
    if decision.mode is Mode.AUTO_ROUTE:
        return None
    return policy.decided_by_person_on(decision.urgency, at=event.occurred_at)


async def _keep_states(
    events: Sequence[Envelope[AboutWorkItem]],
    states: Sequence[RouteState],
    what: str,
    tx: AsyncConnection,
    *,
    marks: bool = True,
) -> None:
    """The states of the items, by the latest event of each; those that are opened again are said so in the history.

    `marks`: the referrals are marked as changed here, not by a statement beside this one.
    """
    opened = [event.data if isinstance(event.data, WorkItemOpened) else None for event in events]
    await tx.execute(
        _MOVED,
        {
            "items": [event.data.work_item_id for event in events],
            "ids": [event.key for event in events],
            "routes": [event.data.route.value for event in events],
            "states": [state.value for state in states],
            "times": [event.occurred_at for event in events],
            "whats": ["reopened" if each and each.reopens else what for each in opened],
            "dues": [each.due_at if each else None for each in opened],
            "sequences": [event.sequence for event in events],
            "marks": [marks for _ in events],
        },
    )


def _state_of(opened: WorkItemOpened) -> RouteState:
    return RouteState.WAITING_LIST if opened.waiting_list else RouteState.OPEN


async def keep_opened(events: Sequence[Envelope[WorkItemOpened]], tx: AsyncConnection, *, policy: Policy) -> None:
    """Work that is opened again takes back an outcome from before it."""
    await _keep_states(events, [_state_of(event.data) for event in events], "opened", tx)
    again = [event for event in events if event.data.reopens]
    if again:
        await tx.execute(_REOPENED, {"ids": [event.key for event in again], "times": [e.occurred_at for e in again]})
    for event in again:
        await _tell_family(tx, event, policy)


async def _keep_each(
    events: Sequence[Envelope[AboutWorkItem]], tx: AsyncConnection, *, state: RouteState, what: str
) -> None:
    """An event that says the state of its item and nothing else; one statement an event, for an item may come twice."""
    for event in events:
        await _keep_states([event], [state], what, tx)


keep_claimed: Final = partial(_keep_each, state=RouteState.CLAIMED, what="claimed")
keep_accepted: Final = partial(_keep_each, state=RouteState.ACCEPTED, what="accepted")
keep_first_contact: Final = partial(_keep_each, state=RouteState.ACCEPTED, what="first-contact")


async def keep_waiting(events: Sequence[Envelope[WorkItemWaiting]], tx: AsyncConnection) -> None:
    """What was asked before the referrer's latest answer waits no more, however late it is heard of."""
    for event in events:
        state = RouteState.WAITING_LIST
        if event.data.waiting_for is WaitingFor.REFERRER:
            answered = await tx.scalar(
                sql("SELECT count(*) FROM history WHERE referral_id = :id AND what = 'informed' AND at >= :at"),
                {"id": event.key, "at": event.occurred_at},
            )
            state = RouteState.OPEN if answered else RouteState.WAITING_FOR_REFERRER
        await _keep_states([event], [state], "waiting", tx)


async def keep_due(events: Sequence[Envelope[WorkItemDueMoved]], tx: AsyncConnection) -> None:
    """By when the family is met: the agency is shown the day of now."""
    for event in events:
        await tx.execute(
            sql("""
                WITH moved AS (
                    UPDATE route_state SET due_at = :due_at, sequence = :sequence
                    WHERE work_item_id = :item AND coalesce(sequence, 0) <= :sequence RETURNING referral_id
                )
                UPDATE referral SET changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)
                WHERE id IN (SELECT referral_id FROM moved)
            """),
            {"due_at": event.data.due_at, "sequence": event.sequence, "item": event.data.work_item_id},
        )


async def keep_declined(events: Sequence[Envelope[WorkItemDeclined]], tx: AsyncConnection, *, policy: Policy) -> None:
    """A person confirmed a decline: the referral's outcome, unless decided or opened anew since, or worked on."""
    for event in events:
        await _keep_states([event], [RouteState.DECLINED], "declined", tx)
        await tx.execute(
            sql("""
                UPDATE referral SET declined_at = CAST(:at AS timestamptz)
                WHERE id = :id AND coalesce(decided_at, '-infinity') <= CAST(:at AS timestamptz) AND NOT EXISTS (
                    SELECT 1 FROM route_state s WHERE s.referral_id = :id AND s.state = 'accepted'
                ) AND NOT EXISTS (
                    SELECT 1 FROM history h WHERE h.referral_id = :id AND h.what = 'reopened' AND h.at >= :at
                )
            """),
            {"at": event.occurred_at, "id": event.key},
        )
        await _tell_family(tx, event, policy)


async def keep_closed(events: Sequence[Envelope[WorkItemClosed]], tx: AsyncConnection, *, policy: Policy) -> None:
    """An item that a newer decision replaced says nothing about the referral; the last one closed ends it."""
    for event in events:
        replaced = event.data.reason in GOES_ON
        await _keep_states([event], [RouteState.REPLACED if replaced else RouteState.CLOSED], "closed", tx)
        if event.data.reason is ClosureReason.DIED:
            lost = sql("UPDATE route_state SET is_loss = true WHERE work_item_id = :item")
            await tx.execute(lost, {"item": event.data.work_item_id})
        await tx.execute(
            sql("""
                UPDATE referral SET ended_at = CASE WHEN NOT EXISTS (
                    SELECT 1 FROM route_state s
                    WHERE s.referral_id = :id AND s.state NOT IN ('closed', 'declined', 'replaced')
                ) AND EXISTS (
                    SELECT 1 FROM route_state s WHERE s.referral_id = :id AND s.state = 'closed'
                ) THEN CAST(:at AS timestamptz) END WHERE id = :id
            """),
            {"at": event.occurred_at, "id": event.key},
        )
        await _tell_family(tx, event, policy)


async def _tell_family(tx: AsyncConnection, event: Envelope[AboutWorkItem], policy: Policy) -> None:
    """A referral that has ended, or is open again, is another thing to the others of its family."""
    await relating.afresh(tx, event.key, Occasion(event.occurred_at, because_of(event)), policy, tell_own=False)


async def keep_judgments(events: Sequence[Envelope[FamilyJudged]], tx: AsyncConnection, *, policy: Policy) -> None:
    for event in events:
        since = Occasion(event.occurred_at, because_of(event))
        await relating.judge(tx, event.key, event.data.others, event.data.is_same, since, policy)


def handlers(policy: Policy) -> Handlers:
    """What the referral service does with each event it hears."""
    return {
        ReferralTriaged: AtOnce(partial(keep_decisions, policy=policy)),
        WorkItemOpened: partial(keep_opened, policy=policy),
        WorkItemDueMoved: keep_due,
        WorkItemClaimed: keep_claimed,
        WorkItemWaiting: keep_waiting,
        WorkItemAccepted: keep_accepted,
        WorkItemFirstContact: keep_first_contact,
        WorkItemDeclined: partial(keep_declined, policy=policy),
        WorkItemClosed: partial(keep_closed, policy=policy),
        FamilyJudged: partial(keep_judgments, policy=policy),
    }
