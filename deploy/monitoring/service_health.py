"""The dashboard of service health: do the four services answer, and what do they use?"""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.monitoring.boards import Row, board
from deploy.monitoring.panels import Looks, Query, bars, lines, listing, number

OURS = 'job="pir", service=~"$service"'


def service_health() -> Dashboard:
    """Chosen by service; the first thing anybody sees."""
    rows = [_now(), _processes(), _servers(), _http()]
    return board("pir-health", "Service health", "Whether everything runs, and how well.", rows, chooses_service=True)


def _now() -> Row:
    small = Looks(width=6, height=6)
    return Row(
        "Now",
        [
            bars(
                "Services that answer",
                "1 when the last question for metrics was answered.",
                Query(f"up{{{OURS}}}", "{{service}}"),
                looks=Looks(width=6, height=6, most=1),
                watched_by=["ServiceDown"],
            ),
            bars(
                "PostgreSQL and Kafka, asked by each service",
                "1 when it answered in the last ten seconds.",
                Query('pir_server_up{service=~"$service"}', "{{service}}: {{server}}"),
                looks=Looks(width=6, height=6, most=1),
                watched_by=["PostgresqlAway", "KafkaAway"],
            ),
            number(
                "Free on the data disk",
                "The least that any service sees. PostgreSQL and Kafka of docker-compose.yml write to the same disk.",
                Query("min(pir_disk_free_bytes / pir_disk_size_bytes)", "free"),
                looks=Looks(unit="percentunit", width=6, height=6),
                watched_by=["DiskFilling", "DiskAlmostFull"],
            ),
            number(
                "Age of the oldest measurement",
                "Gauges are set every few seconds; when nobody sets them they keep their last value.",
                Query('max(time() - pir_measured_timestamp_seconds{service=~"$service"})', "oldest"),
                looks=Looks(unit="s", width=6, height=6),
                watched_by=["MeasuresStale"],
            ),
            listing(
                "Alerts that fire",
                "Watchdog is always among them: it shows that monitoring works.",
                Query('ALERTS{alertstate="firing"}'),
                looks=Looks(width=18, height=small.height),
            ),
            number(
                "Starts in the last quarter of an hour",
                "The most of any service.",
                Query('max(changes(process_start_time_seconds{job="pir"}[15m]))', "starts"),
                looks=small,
                watched_by=["ServiceRestarting"],
            ),
        ],
    )


def _processes() -> Row:
    return Row(
        "Processes",
        [
            lines(
                "Event loop lag",
                "How late the loop ran its timers, at most, in ten seconds. Over 5 s a service counts as stuck.",
                Query('pir_loop_lag_seconds{service=~"$service"}', "{{service}}"),
                looks=Looks(unit="s"),
                watched_by=["LoopLag"],
            ),
            lines(
                "Processor",
                "Seconds of one core, a second. A service is one process on one core.",
                Query(f"rate(process_cpu_seconds_total{{{OURS}}}[$__rate_interval])", "{{service}}"),
                looks=Looks(unit="percentunit"),
            ),
            lines(
                "Memory",
                "Resident memory of the process.",
                Query(f"process_resident_memory_bytes{{{OURS}}}", "{{service}}"),
                looks=Looks(unit="bytes"),
                watched_by=["MemoryHigh"],
            ),
            lines(
                "Open files and sockets",
                "Share of what the process may have open.",
                Query(f"process_open_fds{{{OURS}}} / process_max_fds{{{OURS}}}", "{{service}}"),
                looks=Looks(unit="percentunit"),
                watched_by=["FilesUsedUp"],
            ),
            lines(
                "Loops that failed",
                "A loop that fails is logged and begun afresh after a pause.",
                Query(
                    'sum by (service, loop) (increase(pir_loop_failures_total{service=~"$service"}[10m]))',
                    "{{service}}: {{loop}}",
                ),
                looks=Looks(),
                watched_by=["LoopFailing"],
            ),
            lines(
                "Objects the garbage collector took",
                "By generation; many of the oldest generation cost time.",
                Query(
                    "sum by (service, generation)"
                    f" (rate(python_gc_objects_collected_total{{{OURS}}}[$__rate_interval]))",
                    "{{service}}: {{generation}}",
                ),
                looks=Looks(unit="ops"),
            ),
        ],
    )


def _servers() -> Row:
    return Row(
        "PostgreSQL and disk",
        [
            lines(
                "Database connections in use",
                "Share of what the pool of each service may have.",
                Query(
                    'sum by (service) (pir_database_connections{service=~"$service", state="in_use"})'
                    ' / sum by (service) (pir_database_connections_limit{service=~"$service"})',
                    "{{service}}",
                ),
                looks=Looks(unit="percentunit"),
                watched_by=["ConnectionsUsedUp"],
            ),
            lines(
                "Database connections",
                "In use and idle.",
                Query('pir_database_connections{service=~"$service"}', "{{service}}: {{state}}"),
                looks=Looks(is_stacked=True),
            ),
            lines(
                "Disk and database",
                "What is free on the disk, and what the database takes.",
                Query("min(pir_disk_free_bytes)", "free"),
                Query("max(pir_database_size_bytes)", "database"),
                looks=Looks(unit="bytes"),
            ),
            lines(
                "Age of the newest backup",
                "Of the newest whole copy of the database; without any, since its first day.",
                Query("max(pir_backup_age_seconds)", "newest copy"),
                looks=Looks(unit="s"),
                watched_by=["BackupOld"],
            ),
            lines(
                "Changes that the backup has not taken",
                "They are copied as they come. What is not copied is lost with the disk.",
                Query("max(pir_backup_behind_bytes)", "not copied"),
                looks=Looks(unit="bytes"),
                watched_by=["BackupBehind"],
            ),
            lines(
                "Oldest audit row without a seal",
                "Rows are sealed within ten seconds; of one without a seal a change would not be found.",
                Query('max by (service) (pir_audit_unsealed_oldest_seconds{service=~"$service"})', "{{service}}"),
                looks=Looks(unit="s"),
                watched_by=["AuditNotSealed"],
            ),
            lines(
                "Audit rows without a seal",
                "Counted to 10,000. After an update that brings seals, rows of years wait for some minutes.",
                Query('max by (service) (pir_audit_unsealed_rows{service=~"$service"})', "{{service}}"),
                looks=Looks(),
            ),
        ],
    )


def _http() -> Row:
    requests = 'pir_http_request_seconds_count{service=~"$service", route!~"/metrics|/health/.*"}'
    failed = 'pir_http_request_seconds_count{service=~"$service", status=~"5..", route!~"/metrics|/health/.*"}'
    seconds = 'pir_http_request_seconds_bucket{service=~"$service", route!~"/metrics|/health/.*"}'
    return Row(
        "Requests (pages and API)",
        [
            lines(
                "Requests",
                "A second, without health checks and metrics.",
                Query(f"sum by (service) (rate({requests}[$__rate_interval]))", "{{service}}"),
                looks=Looks(unit="reqps"),
            ),
            lines(
                "Answers that say it was our fault",
                "Status 500 to 599.",
                Query(f"sum by (service, status) (rate({failed}[$__rate_interval]))", "{{service}}: {{status}}"),
                looks=Looks(unit="reqps"),
            ),
            lines(
                "Time to answer",
                "95 of 100 requests are answered within this time.",
                Query(
                    f"histogram_quantile(0.95, sum by (service, le) (rate({seconds}[$__rate_interval])))",
                    "{{service}}",
                ),
                looks=Looks(unit="s"),
            ),
        ],
    )
