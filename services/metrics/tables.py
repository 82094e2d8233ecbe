"""The tables of the metrics service, in its schema `metrics`: one row a referral, one a work item; ids and codes only.

Rows are filled from three topics whose order is not assumed: whichever event comes first makes the row, and each
fills only its own columns, once. `totals` is kept in the same transaction, so that it always equals the rows.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared import tables as common

SCHEMA: Final = "metrics"
metadata: Final = sa.MetaData()

inbox_table, parked_table = common.inbox_tables(metadata)

_TIME: Final = sa.DateTime(timezone=True)

referral = sa.Table(
    "referral",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("agency_id", sa.Uuid),
    sa.Column("source", sa.Text),
    sa.Column("ward", sa.Text),
    sa.Column("carer", sa.Text),
    sa.Column("family_id", sa.Uuid),
    sa.Column("monitoring", JSONB),
    sa.Column("received_at", _TIME),
    sa.Column("withdrawn_at", _TIME),
    sa.Column("triaged_at", _TIME),
    sa.Column("tier", sa.Text),
    sa.Column("mode", sa.Text),
    sa.Column("eligibility", sa.Text),
    sa.Column("routed_at", _TIME),
    sa.Column("acknowledged_at", _TIME),
    sa.Column("decline_proposed_at", _TIME),
    sa.Column("declined_at", _TIME),
    sa.Column("undeliverable_at", _TIME),
)

work_item = sa.Table(
    "work_item",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("opened_at", _TIME),
    sa.Column("due_at", _TIME),
    sa.Column("claimed_at", _TIME),
    sa.Column("accepted_at", _TIME),
    sa.Column("first_contact_at", _TIME),
    sa.Column("declined_at", _TIME),
    sa.Column("ended_at", _TIME),
    sa.Column("end_reason", sa.Text),
    sa.Index(
        "work_item_waiting",
        "route",
        "opened_at",
        postgresql_where=sa.text("opened_at IS NOT NULL AND accepted_at IS NULL AND ended_at IS NULL"),
    ),
)

totals = sa.Table(
    "totals",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
)
