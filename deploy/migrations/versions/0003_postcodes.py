"""The yearly postcode directory of the ONS: what was loaded, and its postcodes packed by outward code."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = [
    """SET LOCAL search_path TO referral""",
    """CREATE TABLE postcode_load (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    file TEXT NOT NULL,
    loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    loaded_by TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    postcodes INTEGER NOT NULL,
    terminated INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    columns JSONB NOT NULL,
    indexes JSONB NOT NULL,
    areas JSONB NOT NULL,
    PRIMARY KEY (id)
)""",
    """CREATE TABLE postcode_run (
    load_id BIGINT NOT NULL,
    outward TEXT NOT NULL,
    run BYTEA NOT NULL,
    PRIMARY KEY (load_id, outward),
    FOREIGN KEY(load_id) REFERENCES postcode_load (id)
)""",
    """SET LOCAL search_path TO public""",
]
