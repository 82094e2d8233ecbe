"""The tables of the referral service, in its schema `referral`; nobody else reads them.

Who a family is stands only in `referral.identity` (sealed under the referral's own key); `family_token` holds blind
indexes of it; everything else is ids, codes, dates and wards.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from shared import tables as common

SCHEMA: Final = "referral"
metadata: Final = sa.MetaData()

event, outbox_table = common.outbox_tables(metadata)
inbox_table, parked_table = common.inbox_tables(metadata)
audit_table = common.audit_table(metadata)
key_check_table = common.key_check_table(metadata)

_TIME: Final = sa.DateTime(timezone=True)

agency = sa.Table(
    "agency",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("team_inbox", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now()),
    # Who a FHIR message of this agency says that it comes from (fhir/checks.py).
    sa.Column("ods_code", sa.Text),
)

agency_key = sa.Table(
    "agency_key",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("agency_id", sa.Uuid, sa.ForeignKey(agency.c.id), nullable=False),
    sa.Column("digest", BYTEA, nullable=False, unique=True),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("revoked_at", _TIME),
)

referral = sa.Table(
    "referral",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("agency_id", sa.Uuid, sa.ForeignKey(agency.c.id), nullable=False),
    sa.Column("external_digest", BYTEA),
    sa.Column("external_sealed", BYTEA),
    sa.Column("body_digest", BYTEA, nullable=False),
    sa.Column("earlier_copies", ARRAY(BYTEA), nullable=False, server_default="{}"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Column("expected_by", sa.Date, nullable=False),
    sa.Column("family_id", sa.Uuid, nullable=False),
    sa.Column("profile", JSONB, nullable=False),
    sa.Column("wrapped_key", BYTEA),
    sa.Column("identity", BYTEA),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("gaps", JSONB, nullable=False),
    sa.Column("receipt", JSONB, nullable=False),
    # What happened since, as told by triage and the agency; `status` is derived from it (status.py).
    sa.Column("decision", JSONB),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_version", sa.Integer),
    sa.Column("decided_at", _TIME),
    sa.Column("declined_at", _TIME),
    sa.Column("challenged_at", _TIME),
    sa.Column("withdrawn_at", _TIME),
    sa.Column("withdrawal_reason", sa.Text),
    sa.Column("ended_at", _TIME),
    sa.Column("changed_in", sa.BigInteger, nullable=False),
    # Which index keys made the digests and tokens (identity.py); null: the first one of this database.
    sa.Column("index_key", BYTEA),
    sa.UniqueConstraint("agency_id", "external_digest", name="referral_external"),
    sa.Index("referral_feed", "agency_id", "changed_in", "id"),
    sa.Index("referral_family", "family_id"),
)

# One row: which numbers of `changed_in` belong together (feed_epoch.py).
feed_epoch = sa.Table(
    "feed_epoch",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("renewed_in", sa.BigInteger, nullable=False),
)

route_state = sa.Table(
    "route_state",
    metadata,
    sa.Column("work_item_id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    # The number of triage's event that said so: an older one changes nothing.
    sa.Column("sequence", sa.Integer),
    sa.Column("due_at", _TIME),
    sa.Column("contacted_at", _TIME),
    # It was closed because of a death: nothing reaches the family by itself any more (contacts/).
    sa.Column("is_loss", sa.Boolean, nullable=False, server_default=sa.false()),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),
)

family_token = sa.Table(
    "family_token",
    metadata,
    sa.Column("token", BYTEA, primary_key=True),
    sa.Column("referral_id", sa.Uuid, sa.ForeignKey(referral.c.id, ondelete="CASCADE"), primary_key=True, index=True),
)

kin = sa.Table(
    "kin",
    metadata,
    sa.Column("referral_id", sa.Uuid, primary_key=True),
    sa.Column("other_id", sa.Uuid, primary_key=True, index=True),
    sa.Column("link", sa.Text),
    sa.Column("is_told", sa.Boolean, nullable=False),
    sa.Column("is_answered", sa.Boolean, nullable=False),
    sa.Column("in_facts", sa.Boolean, nullable=False),
)

# What a person said of two referrals: the lower id first.
family_judgment = sa.Table(
    "family_judgment",
    metadata,
    sa.Column("one_id", sa.Uuid, primary_key=True),
    sa.Column("other_id", sa.Uuid, primary_key=True, index=True),
    sa.Column("is_same", sa.Boolean, nullable=False),
    sa.Column("at", _TIME, nullable=False),
)

# People of an agency who sign in to the pages (front/): their address as a keyed digest, who they are sealed.
member = sa.Table(
    "member",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("agency_id", sa.Uuid, sa.ForeignKey(agency.c.id), nullable=False, index=True),
    sa.Column("email_digest", BYTEA, nullable=False),
    sa.Column("wrapped_key", BYTEA, nullable=False),
    sa.Column("identity", BYTEA, nullable=False),
    # Somebody of the triage team who writes down what the agency tells them on the telephone (front/calls.py).
    sa.Column("staff_id", sa.Text),
    sa.Column("is_keeper", sa.Boolean, nullable=False),
    sa.Column("added_at", _TIME, nullable=False),
    sa.Column("ended_at", _TIME),
    sa.Column("index_key", BYTEA),
    sa.Index("member_email", "email_digest", unique=True, postgresql_where=sa.text("ended_at IS NULL")),
)

member_session = sa.Table(
    "member_session",
    metadata,
    sa.Column("digest", BYTEA, primary_key=True),
    sa.Column("member_id", sa.Uuid, sa.ForeignKey(member.c.id), nullable=False, index=True),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("started_at", _TIME, nullable=False),
    sa.Column("seen_at", _TIME, nullable=False),
    # Of a sign-in with the agency's own provider: who it is there, and its name of the session, by which it ends it.
    sa.Column("provider", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("provider_session", sa.Text),
    sa.Index("member_session_provider", "provider", postgresql_where=sa.text("provider IS NOT NULL")),
)

logout_token = common.logout_token_table(metadata)

# One for each time that somebody asked, whether or not the address is known.
sign_in_code = sa.Table(
    "sign_in_code",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("browser", BYTEA, nullable=False, index=True),
    sa.Column("email_digest", BYTEA, nullable=False, index=True),
    sa.Column("code_digest", BYTEA, nullable=False),
    sa.Column("tries", sa.SmallInteger, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False),
    sa.Column("until", _TIME, nullable=False),
    sa.Column("page", sa.Text, nullable=False),
    # Under the other index key, while one is changed for the other.
    sa.Column("email_digest_before", BYTEA),
)

# A form that is not sent yet. A parent's has no key here: it is in their browser.
draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("agency_id", sa.Uuid, sa.ForeignKey(agency.c.id), nullable=False),
    sa.Column("member_id", sa.Uuid, sa.ForeignKey(member.c.id), index=True),
    sa.Column("wrapped_key", BYTEA),
    sa.Column("sealed", BYTEA),
    sa.Column("begun_at", _TIME, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("until", _TIME, nullable=False, index=True),
    sa.Column("sent_as", sa.Text),
)

# The way from the staff pages to a draft: used once, within a minute.
call_ticket = sa.Table(
    "call_ticket",
    metadata,
    sa.Column("digest", BYTEA, primary_key=True),
    sa.Column("draft_id", sa.Uuid, sa.ForeignKey(draft.c.id, ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("until", _TIME, nullable=False),
)

# Whose referral it is among the people of its agency.
author = sa.Table(
    "author",
    metadata,
    sa.Column("referral_id", sa.Uuid, sa.ForeignKey(referral.c.id), primary_key=True),
    sa.Column("member_id", sa.Uuid, sa.ForeignKey(member.c.id), nullable=False, index=True),
    sa.Column("looked_in", sa.BigInteger, nullable=False),
)

# Why something may not be erased, although somebody asks for it; and, with `restricts`, not be used either.
hold = sa.Table(
    "hold",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("referral_id", sa.Uuid, sa.ForeignKey(referral.c.id), nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("review_on", sa.Date, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("set_at", _TIME, nullable=False),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", _TIME),
    sa.Column("restricts", sa.Boolean, nullable=False, server_default=sa.false()),
)

# One person asks for an erasure, another confirms it.
erasure_request = sa.Table(
    "erasure_request",
    metadata,
    sa.Column("referral_id", sa.Uuid, sa.ForeignKey(referral.c.id), primary_key=True),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", _TIME, nullable=False),
)

# Messages to families: the key of the digests below; where nobody wants any; which referral one was about.
contact_key = sa.Table(
    "contact_key",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("wrapped_key", BYTEA, nullable=False),
)

contact_stop = sa.Table(
    "contact_stop",
    metadata,
    sa.Column("digest", BYTEA, primary_key=True),
    sa.Column("at", _TIME, nullable=False),
)

contact_given = sa.Table(
    "contact_given",
    metadata,
    sa.Column("message_id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("digest", BYTEA, nullable=False, index=True),
    sa.Column("at", _TIME, nullable=False, index=True),
)

request = sa.Table(
    "request",
    metadata,
    sa.Column("agency_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", BYTEA, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("location", sa.Text),
    sa.Column("answer", JSONB, nullable=False),
    sa.Column("created_at", _TIME, nullable=False, index=True),
    sa.Column("index_key", BYTEA),
)

# The yearly postcode directory: what was loaded, and its postcodes, packed (postcodes/packing.py). The load in force
# is the one that has not ended.
postcode_load = sa.Table(
    "postcode_load",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("loaded_at", _TIME, nullable=False),
    sa.Column("loaded_by", sa.Text, nullable=False),
    sa.Column("ended_at", _TIME),
    sa.Column("postcodes", sa.Integer, nullable=False),
    sa.Column("terminated", sa.Integer, nullable=False),
    sa.Column("unread", sa.Integer, nullable=False),
    sa.Column("columns", JSONB, nullable=False),
    sa.Column("indexes", JSONB, nullable=False),
    sa.Column("areas", JSONB, nullable=False),
)

postcode_run = sa.Table(
    "postcode_run",
    metadata,
    sa.Column("load_id", sa.BigInteger, sa.ForeignKey(postcode_load.c.id), primary_key=True),
    sa.Column("outward", sa.Text, primary_key=True),
    sa.Column("run", BYTEA, nullable=False),
)
