"""The dashboard of queues and deadlines: what waits for people, and what they are late with."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.monitoring.boards import Row, board
from deploy.monitoring.panels import Looks, Query, bars, lines, number
from shared.events import SAFEGUARDING, Route

OF_SAFEGUARDING: Final = f'route=~"{"|".join(route for route in Route if route in SAFEGUARDING)}"'


def queues_and_deadlines() -> Dashboard:
    """Live counts: for operations and the team's leads, not to be published (small numbers stand in them)."""
    rows = [_late(), _waiting(), _by_route(), _looks()]
    return board("pir-queues", "Queues and deadlines", "What waits for people. Not for publication.", rows)


def _late() -> Row:
    small = Looks(width=4, height=5)
    return Row(
        "Late",
        [
            number(
                "Urgent and not opened",
                "Due at once or within four hours, and nobody looked within a quarter of an hour.",
                Query("max(pir_urgent_unopened_items)", "items"),
                looks=small,
                watched_by=["UrgentUnopened"],
            ),
            number(
                "Safeguarding past its time",
                "Not accepted and not ended.",
                Query("max(pir_safeguarding_overdue_items)", "items"),
                looks=small,
                watched_by=["SafeguardingOverdue"],
            ),
            number(
                "Not opened in a working day",
                "On every list together.",
                Query("sum(max by (route) (pir_queue_unopened_items))", "items"),
                looks=small,
                watched_by=["UnopenedOverWorkingDay"],
            ),
            number(
                "Past their due time",
                "On every list together, not accepted and not ended.",
                Query("sum(max by (route) (pir_queue_overdue_items))", "items"),
                looks=small,
            ),
            number(
                "Little time left",
                "Babies near their second birthday, without a first contact.",
                Query("max(pir_ages_out_soon_items)", "families"),
                looks=small,
            ),
            number(
                "Lateness of the clock",
                "It brings up what nobody opened, every 15 seconds.",
                Query("max(pir_clock_late_seconds)", "late"),
                looks=Looks(unit="s", width=4, height=5),
                watched_by=["ClockLate"],
            ),
        ],
    )


def _waiting() -> Row:
    return Row(
        "Waiting",
        [
            lines(
                "Items that wait for a team",
                "Not accepted and not ended.",
                Query("sum(max by (route) (pir_queue_items))", "waiting"),
                Query("sum(max by (route) (pir_queue_overdue_items))", "past their due time"),
                Query("sum(max by (route) (pir_queue_unopened_items))", "not opened in a working day"),
                looks=Looks(),
            ),
            lines(
                "Items that wait for the referrer",
                "Asked for information; their clock stands still meanwhile.",
                Query("max(pir_waiting_for_referrer_items)", "items"),
                looks=Looks(),
            ),
            lines(
                "For how long the referrer has been asked",
                "The longest.",
                Query("max(pir_waiting_for_referrer_oldest_seconds)", "oldest"),
                looks=Looks(unit="s"),
            ),
            lines(
                "Urgent decisions",
                "In the last hour.",
                Query(
                    'sum by (urgency) (increase(pir_decisions_total{service="referral", urgency!="routine"}[1h]))',
                    "{{urgency}}",
                ),
                looks=Looks(is_stacked=True, width=12),
            ),
            lines(
                "Safeguarding lists",
                "Items that wait, by list.",
                Query(f"max by (route) (pir_queue_items{{{OF_SAFEGUARDING}}})", "{{route}}"),
                looks=Looks(is_stacked=True, width=12),
            ),
        ],
    )


def _by_route() -> Row:
    return Row(
        "The ten longest lists",
        [
            bars(
                "Waiting, by list",
                "Items that nobody has accepted or ended.",
                Query("topk(10, max by (route) (pir_queue_items))", "{{route}}"),
                looks=Looks(width=6, height=10),
            ),
            bars(
                "Age of the oldest, by list",
                "Of those that wait.",
                Query("topk(10, max by (route) (pir_queue_oldest_seconds))", "{{route}}"),
                looks=Looks(unit="s", width=6, height=10),
            ),
            bars(
                "Past their due time, by list",
                "Of those that wait.",
                Query("topk(10, max by (route) (pir_queue_overdue_items))", "{{route}}"),
                looks=Looks(width=6, height=10),
            ),
            bars(
                "Not opened in a working day, by list",
                "Urgent ones apart.",
                Query("topk(10, max by (route) (pir_queue_unopened_items))", "{{route}}"),
                looks=Looks(width=6, height=10),
                watched_by=["UnopenedOverWorkingDay"],
            ),
        ],
    )


def _looks() -> Row:
    """Who it is stands in the audit trail alone."""
    return Row(
        "Looks at families",
        [
            lines(
                "Families that one person looked at",
                "Within the last 24 hours: the most of anybody.",
                Query("max(pir_looks_by_one_person)", "families"),
                looks=Looks(width=12),
                watched_by=["ManyLooks"],
            ),
            lines(
                "Looks without work",
                "Of 24 to 48 hours ago, with no step of the same person within 24 hours before or after.",
                Query("max(pir_looks_without_work)", "looks"),
                looks=Looks(width=12),
                watched_by=["LooksWithoutWork"],
            ),
        ],
    )
