"""The tables of the metrics service, in its schema `metrics`: what happened to whom, in ids and codes only.

Rows are filled from three topics whose order is not assumed: whichever event comes first makes the row, and each
fills only its own columns. Times are of the events themselves (`*_at`); `heard_at` alone says when this service first
heard of a referral. `totals` is kept in the same transaction, so that it always equals the rows. `report` holds what
was published, after disclosure control: nothing else here may be shown to anybody.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared import tables as common

SCHEMA: Final = "metrics"
metadata: Final = sa.MetaData()

inbox_table, parked_table = common.inbox_tables(metadata)
audit = common.audit_table(metadata)
session = common.session_table(metadata)
kept = common.kept_table(metadata)
logout_token = common.logout_token_table(metadata)

_TIME: Final = sa.DateTime(timezone=True)

referral = sa.Table(
    "referral",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("agency_id", sa.Uuid),
    sa.Column("source", sa.Text),
    sa.Column("ward", sa.Text),
    sa.Column("authority", sa.Text),
    sa.Column("carer", sa.Text),
    sa.Column("carer_age", sa.SmallInteger),
    sa.Column("support_ends_on", sa.Date),
    sa.Column("family_id", sa.Uuid),
    sa.Column("monitoring", JSONB),
    sa.Column("is_re_referral", sa.Boolean),
    sa.Column("is_incomplete", sa.Boolean),
    sa.Column("facts_sequence", sa.Integer),
    sa.Column("monitoring_sequence", sa.Integer),
    sa.Column("received_at", _TIME),
    sa.Column("withdrawn_at", _TIME),
    sa.Column("withdrawal_reason", sa.Text),
    sa.Column("triaged_at", _TIME),
    sa.Column("decided_at", _TIME),
    sa.Column("person_decided_at", _TIME),
    sa.Column("released_at", _TIME),
    sa.Column("decision_sequence", sa.Integer),
    sa.Column("tier", sa.Text),
    sa.Column("mode", sa.Text),
    sa.Column("eligibility", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("is_priority", sa.Boolean),
    sa.Column("routed_at", _TIME),
    sa.Column("acknowledged_at", _TIME),
    sa.Column("decline_proposed_at", _TIME),
    sa.Column("declined_at", _TIME),
    sa.Column("undeliverable_at", _TIME),
    sa.Column("erased_at", _TIME),
    sa.Column("heard_at", _TIME),
    sa.Column("is_restricted", sa.Boolean),
    sa.Column("restriction_sequence", sa.Integer),
    sa.Index("referral_received", "received_at"),
    sa.Index("referral_undecided", "received_at", postgresql_where=sa.text("triaged_at IS NULL")),
    sa.Index("referral_family", "family_id"),
)
"""`decided_at`: the first decision that stands by itself, the rules' (`auto_route`) or a person's; `released_at`: the
family's ward opened, and what was held for it was decided again."""

work_item = sa.Table(
    "work_item",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("about", sa.Text),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("opened_at", _TIME),
    sa.Column("claimed_at", _TIME),
    sa.Column("asked_at", _TIME),
    sa.Column("listed_at", _TIME),
    sa.Column("accepted_at", _TIME),
    sa.Column("place", sa.Text),
    sa.Column("first_contact_on", sa.Date),
    sa.Column("declined_at", _TIME),
    sa.Column("decline_reason", sa.Text),
    sa.Column("ended_at", _TIME),
    sa.Column("end_reason", sa.Text),
    sa.Column("held_on", sa.Date),
    sa.Column("attendees", sa.Integer),
    sa.Index(
        "work_item_waiting",
        "route",
        "opened_at",
        postgresql_where=sa.text("opened_at IS NOT NULL AND accepted_at IS NULL AND ended_at IS NULL"),
    ),
)

clock_change = sa.Table(
    "clock_change",
    metadata,
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("work_item_id", sa.Uuid),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("stops", sa.Boolean, nullable=False),
    sa.Index("clock_question", "referral_id", postgresql_where=sa.text("stops")),
)
"""Every question to a referrer that stops the clock, every answer (of no item), and every step on an item: which of
them end which question is told when they are counted, for they come in any order."""

message = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sent_at", _TIME),
    sa.Column("undeliverable_at", _TIME),
)

agency = sa.Table(
    "agency",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
)

places = sa.Table(
    "places",
    metadata,
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("individual", sa.Integer, nullable=False),
    sa.Column("group", sa.Integer, nullable=False),
)
"""How many places each route had, from when on."""

counting = sa.Table(
    "counting",
    metadata,
    sa.Column("is_ready", sa.Boolean, primary_key=True),
    sa.Column("since", _TIME, nullable=False),
    sa.CheckConstraint("is_ready", name="counting_ready"),
)
"""One row, or none: from when on the rows above are whole, so that reports may be made of them."""

report = sa.Table(
    "report",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("published_at", _TIME, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("is_practice", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint("kind IN ('contract', 'equality', 'need')", name="report_kind"),
)
"""Published and frozen, JSON exactly as it was made: the database refuses to change or delete a row (migrations)."""

totals = sa.Table(
    "totals",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
)
