"""The dashboard of a referral's path: intake, the road between the services, decision and receipt."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.monitoring.boards import Row, board
from deploy.monitoring.panels import Looks, Query, lines, number
from deploy.monitoring.road import events_handled, events_sent

SENT = 'service="referral", method="POST"'
REFERRALS = f'{SENT}, route="/referrals"'


def path_of_a_referral() -> Dashboard:
    """Rate, errors and duration by stage, and what waits between the stages."""
    rows = [_now(), _intake(), _stages(), events_sent(), events_handled()]
    return board("pir-path", "Path of a referral", "From an agency's request to decision and receipt.", rows)


def _now() -> Row:
    def small(unit: str = "short") -> Looks:
        return Looks(unit=unit, width=4, height=5)

    return Row(
        "Now",
        [
            number(
                "Oldest referral without a decision",
                "0 when every referral is decided. A decision takes about a second.",
                Query("max(pir_undecided_oldest_seconds)", "oldest"),
                looks=small("s"),
                watched_by=["ReferralNotDecided"],
            ),
            number(
                "Oldest event to send",
                "Of all services. 0 when everything is published.",
                Query("max(pir_outbox_oldest_seconds)", "oldest"),
                looks=small("s"),
                watched_by=["OutboxNotSent"],
            ),
            number(
                "Messages behind",
                "The most that any service is behind on a topic.",
                Query("max(sum by (service, topic) (pir_consumer_lag_messages))", "behind"),
                looks=small(),
                watched_by=["ConsumerBehind"],
            ),
            number(
                "Parked records",
                "Set aside because they could not be handled; a person replays or discards them.",
                Query("sum(max by (service) (pir_parked_records))", "parked"),
                looks=small(),
                watched_by=["RecordParked"],
            ),
            number(
                "Working time since the last referral",
                "Nights, weekends and bank holidays don't count.",
                Query("max(pir_intake_quiet_working_seconds)", "quiet"),
                looks=small("s"),
                watched_by=["NoReferrals"],
            ),
            number(
                "Referrals received",
                "Since the start of the database.",
                Query('max(pir_referrals{stage="received"})', "received"),
                looks=small(),
            ),
        ],
    )


def _intake() -> Row:
    return Row(
        "Intake",
        [
            lines(
                "Referrals sent, by answer",
                "201 new, 200 known or amended, 4xx refused, 503 the database is away.",
                Query(
                    f"sum by (status) (rate(pir_http_request_seconds_count{{{REFERRALS}}}[$__rate_interval]))",
                    "{{status}}",
                ),
                looks=Looks(unit="reqps", is_stacked=True),
            ),
            lines(
                "Share that failed on our side",
                "Answers 500 to 599, of everything agencies send.",
                Query(
                    f'sum(rate(pir_http_request_seconds_count{{{SENT}, status=~"5.."}}[5m]))'
                    f" / sum(rate(pir_http_request_seconds_count{{{SENT}}}[5m]))",
                    "failed",
                ),
                looks=Looks(unit="percentunit", most=1),
                watched_by=["IntakeFailing"],
            ),
            lines(
                "Time to accept a referral",
                "Half, 95 and 99 of 100 are answered within this time.",
                *(
                    Query(
                        f"histogram_quantile({share}, sum by (le)"
                        f" (rate(pir_http_request_seconds_bucket{{{REFERRALS}}}[5m])))",
                        name,
                    )
                    for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
                ),
                looks=Looks(unit="s"),
                watched_by=["IntakeSlow"],
            ),
        ],
    )


def _stages() -> Row:
    stages = (("decision", "decision"), ("route", "a team's list"), ("receipt", "receipt sent"))
    return Row(
        "Stages",
        [
            lines(
                "Referrals by stage",
                "How many reached each stage in the last hour.",
                Query("max by (stage) (delta(pir_referrals[1h]))", "{{stage}}"),
                looks=Looks(),
            ),
            lines(
                "Time from receipt to each stage",
                "95 of 100 referrals got there within this time.",
                *(
                    Query(
                        "histogram_quantile(0.95, sum by (le)"
                        f" (rate(pir_time_to_{stage}_seconds_bucket[$__rate_interval])))",
                        name,
                    )
                    for stage, name in stages
                ),
                looks=Looks(unit="s"),
            ),
            lines(
                "Decisions",
                "In the last hour, by what was decided and how urgent it is.",
                Query(
                    'sum by (mode, urgency) (increase(pir_decisions_total{service="referral"}[1h])) > 0',
                    "{{mode}}, {{urgency}}",
                ),
                looks=Looks(is_stacked=True),
            ),
        ],
    )
