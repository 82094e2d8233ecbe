"""When a family's ward opened, and when it was put on a waiting list; no reference, which nothing counted needs.

Rows that were counted before lack the new columns: `rebuild` and a republish fill them, as for 0004.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE metrics.referral ADD COLUMN released_at TIMESTAMP WITH TIME ZONE, DROP COLUMN reference")
    op.execute("ALTER TABLE metrics.work_item ADD COLUMN listed_at TIMESTAMP WITH TIME ZONE")
