"""Rollouts: stored plans and their progress, pinned environments, what is followed; of operations the commit and what they rested on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables, and the columns to the operations."""
    op.create_table(
        "rollouts",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("of", sa.String(64)),
        sa.Column("target", sa.String(100)),
        sa.Column("triggers", sa.JSON, nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("previous_commit", sa.String(64)),
        sa.Column("pins", sa.JSON, nullable=False),
        sa.Column("changed", sa.JSON, nullable=False),
        sa.Column("selection", sa.JSON, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("waves", sa.JSON, nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("approval", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("leased_by", sa.String(100)),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
    )
    op.create_index("rollouts_by_state", "rollouts", ["state"])
    op.create_table(
        "rollout_cells",
        sa.Column("rollout_id", sa.String(64), primary_key=True),
        sa.Column("tep", sa.String(40), primary_key=True),
        sa.Column("project", sa.String(100), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("pins", sa.JSON),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("foreseen", sa.JSON),
        sa.Column("run_id", sa.String(64)),
        sa.Column("health", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("blocked", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "rollout_requests",
        sa.Column("rollout_id", sa.String(64), primary_key=True),
        sa.Column("tep", sa.String(40), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("operation", sa.String(16), nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("projects", sa.JSON, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("run_id", sa.String(64)),
    )
    op.create_index("rollout_requests_by_state", "rollout_requests", ["state"])
    op.create_table(
        "rollout_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rollout_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("rollout_events_by_rollout", "rollout_events", ["rollout_id", "id"])
    _create_what_is_told_and_followed()
    op.add_column("operations", sa.Column("commit", sa.String(64)))
    op.add_column("operations", sa.Column("details", sa.JSON))


def _create_what_is_told_and_followed() -> None:
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rollout_id", sa.String(64), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("channels", sa.JSON, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
    )
    op.create_index("announcements_by_settled", "announcements", ["settled_at"])
    op.create_table(
        "followed",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "kept_environments",
        sa.Column("name", sa.String(201), primary_key=True),
        sa.Column("revision", sa.String(64), primary_key=True),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop what `upgrade` has made."""
    for table in (
        "webhook_deliveries",
        "kept_environments",
        "followed",
        "announcements",
        "rollout_events",
        "rollout_requests",
        "rollout_cells",
        "rollouts",
    ):
        op.drop_table(table)
    with op.batch_alter_table("operations") as operations:
        operations.drop_column("details")
        operations.drop_column("commit")
