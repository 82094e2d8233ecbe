"""The dashboard of messages: what agencies and the on-call contact are told, and what does not arrive."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.monitoring.boards import Row, board
from deploy.monitoring.panels import Looks, Query, bars, lines, number


def messages() -> Dashboard:
    """Receipts and decisions go within seconds; whatever waits longer has failed before."""
    return board("pir-messages", "Messages", "Mail to agencies and to the on-call contact.", [_now(), _over_time()])


def _now() -> Row:
    def small(unit: str = "short") -> Looks:
        return Looks(unit=unit, width=6, height=5)

    return Row(
        "Now",
        [
            number(
                "Longest past its time, untried",
                "Grows when the sending loop stands still.",
                Query("max(pir_messages_oldest_due_seconds)", "late"),
                looks=small("s"),
                watched_by=["MailNotSent"],
            ),
            number(
                "Oldest message not sent",
                "Tried again for 72 hours, then given up.",
                Query("max(pir_messages_oldest_unsent_seconds)", "oldest"),
                looks=small("s"),
                watched_by=["MessageWaitsLong"],
            ),
            number(
                "Oldest word to the on-call contact",
                "About urgent items that nobody opened.",
                Query('max(pir_messages_oldest_unsent_seconds{kind="on-call"})', "oldest"),
                looks=small("s"),
                watched_by=["OnCallNotTold"],
            ),
            number(
                "Failed and tried again",
                "Messages that wait for their next try.",
                Query('sum(max by (kind) (pir_messages_unsent{state="failed"}))', "messages"),
                looks=small(),
                watched_by=["MailFailing"],
            ),
            number(
                "Collected for the mail of a day",
                "More than one inbox is sent one by one.",
                Query('sum(max by (kind) (pir_messages_unsent{state="collected"}))', "messages"),
                looks=small(),
                watched_by=["MailCollected"],
            ),
            number(
                "Longest past its time, calls",
                "Of agencies' systems, untried. Grows when the loop of webhooks stands still.",
                Query("max(pir_webhook_oldest_due_seconds)", "late"),
                looks=small("s"),
                watched_by=["WebhooksLate"],
            ),
        ],
    )


def _over_time() -> Row:
    return Row(
        "Over time",
        [
            lines(
                "Sent, by kind",
                "In an hour.",
                Query('sum by (kind) (increase(pir_messages_total{state="sent"}[1h]))', "{{kind}}"),
                looks=Looks(is_stacked=True),
            ),
            lines(
                "What came of each try",
                "In a quarter of an hour.",
                Query("sum by (state) (increase(pir_messages_total[15m]))", "{{state}}"),
                looks=Looks(is_stacked=True),
            ),
            lines(
                "Given up",
                "In an hour. A person rings the agency instead.",
                Query('sum by (kind) (increase(pir_messages_total{state="undeliverable"}[1h]))', "{{kind}}"),
                looks=Looks(is_stacked=True),
                watched_by=["MessageUndeliverable"],
            ),
            lines(
                "GOV.UK Notify refuses us",
                "1 while it takes neither key nor clock: no family is written to.",
                Query("max(pir_govuk_notify_refused)", "refused"),
                looks=Looks(),
                watched_by=["GovukNotifyRefuses"],
            ),
            lines(
                "Due and not sent",
                "Past their time, counted to 10,000.",
                Query("max(pir_messages_due)", "due"),
                looks=Looks(),
            ),
            bars(
                "Not sent yet, by kind and state",
                "`due` has its first try to come, `failed` its next, `collected` goes in the mail of the next day.",
                Query("topk(10, max by (kind, state) (pir_messages_unsent))", "{{kind}}: {{state}}"),
                looks=Looks(),
            ),
            lines(
                "Calls of agencies' systems",
                "What came of each try, in a quarter of an hour.",
                Query("sum by (state) (increase(pir_webhook_tries_total[15m]))", "{{state}}"),
                looks=Looks(is_stacked=True),
            ),
            lines(
                "Agencies' systems by state",
                "`checking` has not taken a call yet; `off` is told to its team by mail.",
                Query("max by (state) (pir_webhook_endpoints)", "{{state}}"),
                looks=Looks(),
            ),
            lines(
                "Time from referral to receipt",
                "Half and 95 of 100.",
                *(
                    Query(
                        f"histogram_quantile({share}, sum by (le) (rate(pir_time_to_receipt_seconds_bucket[1h])))",
                        name,
                    )
                    for share, name in ((0.5, "half"), (0.95, "95 %"))
                ),
                looks=Looks(unit="s"),
            ),
        ],
    )
