"""Fleet and ledger: TEPs, operations on cells, and facts about the installation."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "teps",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(40), nullable=False),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("ring", sa.String(16), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(12), nullable=False, unique=True),
        sa.Column("external_id", sa.String(64), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tep", sa.String(40), nullable=False),
        sa.Column("project", sa.String(100), nullable=False),
        sa.Column("operation", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("resources", sa.Integer),
        sa.Column("outputs", sa.JSON, nullable=False),
        sa.Column("outputs_hash", sa.String(64)),
        sa.Column("run_id", sa.String(64)),
        sa.Column("rollout_id", sa.String(64)),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("operations_by_cell", "operations", ["tep", "project", "id"])
    op.create_index("operations_by_rollout", "operations", ["rollout_id"])
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop everything: the state before the first version."""
    for table in ("facts", "operations", "teps"):
        op.drop_table(table)
