"""What the staff pages keep: sessions, colleagues, policy versions, what was offered and arranged."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = [
    """SET LOCAL search_path TO triage""",
    """ALTER TABLE work_item ADD COLUMN interim_offer TEXT""",
    """ALTER TABLE work_item ADD COLUMN arranged_for TIMESTAMP WITH TIME ZONE""",
    """ALTER TABLE work_item ADD COLUMN attendees INTEGER""",
    """CREATE TABLE colleague (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    routes JSONB DEFAULT '[]'::jsonb NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
)""",
    """CREATE TABLE policy_version (
    id UUID NOT NULL,
    policy TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    content TEXT NOT NULL,
    kept_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kept_by TEXT NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT policy_version_state CHECK (state IN ('draft', 'live', 'retired'))
)""",
    """CREATE UNIQUE INDEX policy_version_once ON policy_version (policy, version) WHERE state <> 'draft'""",
    """CREATE TABLE session (
    digest BYTEA NOT NULL,
    staff_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    csrf TEXT NOT NULL,
    id_token TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (digest)
)""",
    """CREATE INDEX session_seen ON session (seen_at)""",
    """SET LOCAL search_path TO public""",
]
