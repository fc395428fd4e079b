"""The tables of rollouts. Dagster holds runs; the truth about a rollout is here."""

import sqlalchemy as sa

from infra_assets.fleet.database import UtcDateTime, metadata

rollouts = sa.Table(
    "rollouts",
    metadata,
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
    sa.Column("until", UtcDateTime),
    sa.Column("approval", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("leased_by", sa.String(100)),
    sa.Column("leased_until", UtcDateTime),
    sa.Index("rollouts_by_state", "state"),
)
cells = sa.Table(
    "rollout_cells",
    metadata,
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
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
)
requests = sa.Table(
    "rollout_requests",
    metadata,
    sa.Column("rollout_id", sa.String(64), primary_key=True),
    sa.Column("tep", sa.String(40), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("operation", sa.String(16), nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("projects", sa.JSON, nullable=False),
    sa.Column("asked_at", UtcDateTime),
    sa.Column("run_id", sa.String(64)),
    sa.Index("rollout_requests_by_state", "state"),
)
events = sa.Table(
    "rollout_events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("rollout_id", sa.String(64), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("rollout_events_by_rollout", "rollout_id", "id"),
)
announcements = sa.Table(
    "announcements",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("rollout_id", sa.String(64), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("channels", sa.JSON, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("settled_at", UtcDateTime),
    sa.Index("announcements_by_settled", "settled_at"),
)
"""What people are to be told: `channels` are those that have not taken it yet."""
followed = sa.Table(
    "followed",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""How far what is followed was read: a target's branch (`target/prod`), the environments (`environments`)."""
