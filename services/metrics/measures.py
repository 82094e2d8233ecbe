"""What is measured of the whole path, as Prometheus metrics; labels come from the fixed lists of the contract."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.metrics import SECONDS, measured
from shared.working_time import Hours, is_working_time, working_time_between

TIME_TO: Final = {
    "triaged_at": Histogram("pir_time_to_decision_seconds", "From receipt to the first decision", buckets=SECONDS),
    "routed_at": Histogram("pir_time_to_route_seconds", "From receipt to a team's list", buckets=SECONDS),
    "acknowledged_at": Histogram("pir_time_to_receipt_seconds", "From receipt to the receipt sent", buckets=SECONDS),
}
"""By the column that each is worked out from."""

TOTALS: Final = ("received", "triaged", "acknowledged", "routed", "declined_proposed", "declined", "undeliverable")
REFERRALS = Gauge("pir_referrals", "Referrals since the start of the database, by what happened to them", ["stage"])
UNDECIDED = Gauge("pir_undecided_oldest_seconds", "Age of the oldest referral without a decision; 0 when there is none")
WORKING_TIME = Gauge("pir_working_time", "1 in the policy's hours of a working day in England, else 0")
QUIET = Gauge("pir_intake_quiet_working_seconds", "Working time since the last referral; 0 before the first one")
REPORTS_WAIT = Gauge("pir_reports_waiting_seconds", "For how long reports have been due and not published; 0: none is")
BACKUP_AGE = Gauge("pir_backup_age_seconds", "Since the last copy of the database; without one, since its first day")
BACKUP_BEHIND = Gauge("pir_backup_behind_bytes", "Changes that the backup has not taken yet; 0 when it takes none")
DATABASE_SIZE = Gauge("pir_database_size_bytes", "Size of the whole database on PostgreSQL's disk")


async def totals(tx: AsyncConnection) -> dict[str, int]:
    """The totals as they stand, all at one moment; what never happened is 0."""
    rows = await tx.execute(sql("SELECT name, total FROM totals"))
    known = {row.name: int(row.total) for row in rows}
    return {name: known.get(name, 0) for name in TOTALS}


async def waiting(tx: AsyncConnection) -> int:
    """Referrals with an item on a list that nobody has accepted, declined or ended."""
    return int(
        await tx.scalar(
            sql("""
                SELECT count(DISTINCT referral_id) FROM work_item
                WHERE opened_at IS NOT NULL AND accepted_at IS NULL AND ended_at IS NULL AND declined_at IS NULL
            """)
        )
        or 0
    )


async def measure(tx: AsyncConnection, hours: Hours) -> None:
    """Set the gauges from the rows; `hours` are the policy's working time."""
    for name, count in (await totals(tx)).items():
        REFERRALS.labels(name).set(count)
    await _measure_arrivals(tx, hours)
    await _measure_backups(tx)
    measured("counts")


async def _measure_arrivals(tx: AsyncConnection, hours: Hours) -> None:
    """A referral that was withdrawn is decided no more."""
    found = await tx.execute(
        sql("""
            SELECT now() AS now, (SELECT max(received_at) FROM referral) AS last,
                (SELECT extract(epoch FROM now() - min(received_at)) FROM referral
                 WHERE triaged_at IS NULL AND withdrawn_at IS NULL) AS undecided,
                pg_database_size(current_database()) AS size
        """)
    )
    row = found.one()
    UNDECIDED.set(float(row.undecided or 0))
    WORKING_TIME.set(is_working_time(row.now, hours))
    QUIET.set(working_time_between(row.last, row.now, hours).total_seconds() if row.last else 0)
    DATABASE_SIZE.set(row.size)


async def _measure_backups(tx: AsyncConnection) -> None:
    """As deploy/backup.sh notes them; the changes by its replication slot."""
    found = await tx.execute(
        sql("""
            SELECT extract(epoch FROM now() - coalesce((SELECT max(ended_at) FROM public.pir_backup),
                    (SELECT min(at) FROM audit), now())) AS age,
                (SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots
                 WHERE slot_name = 'pir_backup') AS behind
        """)
    )
    row = found.one()
    BACKUP_AGE.set(float(row.age))
    BACKUP_BEHIND.set(float(row.behind or 0))
