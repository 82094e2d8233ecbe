"""The road between the services, for the dashboard of a referral's path: what waits, what is behind, what is parked."""

from __future__ import annotations

from deploy.monitoring.boards import Row
from deploy.monitoring.panels import Looks, Query, bars, lines


def events_sent() -> Row:
    """Outbox and relay of each service."""
    return Row(
        "Events between the services",
        [
            lines(
                "Events that wait to be sent",
                "In the outbox of each service, counted to 10,000.",
                Query("max by (schema) (pir_outbox_rows)", "{{schema}}"),
                looks=Looks(width=6),
            ),
            lines(
                "Age of the oldest of them",
                "A relay sends within milliseconds; Kafka being away shows here first.",
                Query("max by (schema) (pir_outbox_oldest_seconds)", "{{schema}}"),
                looks=Looks(unit="s", width=6),
                watched_by=["OutboxNotSent"],
            ),
            lines(
                "Events sent",
                "A second, by the service that speaks.",
                Query("sum by (schema) (rate(pir_outbox_published_total[$__rate_interval]))", "{{schema}}"),
                looks=Looks(unit="ops", width=6),
            ),
            lines(
                "Times that sending paused",
                "After a failure of Kafka or PostgreSQL, in ten minutes.",
                Query("sum by (schema) (increase(pir_outbox_pauses_total[10m]))", "{{schema}}"),
                looks=Looks(width=6),
            ),
        ],
    )


def events_handled() -> Row:
    """Consumers, and what they set aside."""
    return Row(
        "Consumers",
        [
            lines(
                "Messages behind the end of each topic",
                "0 at rest.",
                Query("sum by (service, topic) (pir_consumer_lag_messages)", "{{service}}: {{topic}}"),
                looks=Looks(),
                watched_by=["ConsumerBehind"],
            ),
            lines(
                "Events handled",
                "A second, with their effects committed.",
                Query(
                    "sum by (service, type) (rate(pir_events_consumed_total[$__rate_interval]))",
                    "{{service}}: {{type}}",
                ),
                looks=Looks(unit="ops", is_stacked=True),
            ),
            lines(
                "Time for one batch",
                "95 of 100 batches, from the claim to the commit.",
                Query(
                    "histogram_quantile(0.95, sum by (service, le)"
                    " (rate(pir_consumer_batch_seconds_bucket[$__rate_interval])))",
                    "{{service}}",
                ),
                looks=Looks(unit="s"),
            ),
            lines(
                "Events in a batch",
                "On average. Under load batches grow, and cost less an event.",
                Query(
                    "sum by (service) (rate(pir_consumer_batch_events_sum[$__rate_interval]))"
                    " / sum by (service) (rate(pir_consumer_batch_events_count[$__rate_interval]))",
                    "{{service}}",
                ),
                looks=Looks(),
            ),
            lines(
                "Batches tried again and given back",
                "After failures that may pass, in ten minutes.",
                Query("sum by (service) (increase(pir_consumer_retries_total[10m]))", "{{service}}: again"),
                Query("sum by (service) (increase(pir_consumer_given_back_batches_total[10m]))", "{{service}}: back"),
                looks=Looks(),
            ),
            bars(
                "Partitions read",
                "Of twelve a topic. A service without any reads nothing.",
                Query("sum by (service) (pir_consumer_partitions)", "{{service}}"),
                looks=Looks(),
                watched_by=["NobodyReads"],
            ),
            lines(
                "Parked records, by service",
                "That wait for a person.",
                Query("max by (service) (pir_parked_records)", "{{service}}"),
                looks=Looks(),
                watched_by=["RecordParked"],
            ),
            lines(
                "Records parked, by cause",
                "Since the start of the process. `handler` is a failure of ours, the others could not be read.",
                Query("sum by (service, cause) (pir_events_parked_total)", "{{service}}: {{cause}}"),
                looks=Looks(),
            ),
            lines(
                "Records ignored",
                "Their source may not speak on that topic: somebody writes there who should not.",
                Query("sum by (service, topic) (pir_events_foreign_total)", "{{service}}: {{topic}}"),
                looks=Looks(),
                watched_by=["ForeignEvents"],
            ),
            lines(
                "Reports that wait",
                "For how long reports have been due: they are made once everything is counted.",
                Query("max(pir_reports_waiting_seconds)", "due for"),
                looks=Looks(unit="s"),
                watched_by=["ReportsWait"],
            ),
        ],
    )
