"""Checks: previews of proposals and looks for drift, their cells, and the runs that they ask for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "checks",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("teps", sa.JSON, nullable=False),
        sa.Column("projects", sa.JSON, nullable=False),
        sa.Column("left_out", sa.JSON, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("finished_at", moment),
        sa.Column("trend", sa.JSON),
        sa.Column("reported", sa.Boolean, nullable=False),
        sa.Column("reporting_at", moment),
    )
    op.create_index("checks_by_state", "checks", ["state"])
    op.create_table(
        "check_cells",
        sa.Column("check_id", sa.String(64), primary_key=True),
        sa.Column("tep", sa.String(40), primary_key=True),
        sa.Column("project", sa.String(100), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("candidate", sa.Boolean, nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("pins", sa.JSON),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("resources", sa.JSON, nullable=False),
        sa.Column("drift", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.Column("history", sa.String(64), nullable=False),
    )
    op.create_table(
        "check_requests",
        sa.Column("check_id", sa.String(64), primary_key=True),
        sa.Column("tep", sa.String(40), primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", moment),
    )
    op.create_index("check_requests_by_state", "check_requests", ["check_id", "state"])


def downgrade() -> None:
    """Take the tables away."""
    for table in ("check_requests", "check_cells", "checks"):
        op.drop_table(table)
