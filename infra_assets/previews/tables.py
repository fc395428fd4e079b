"""Tables of checks."""

import sqlalchemy as sa

from infra_assets.fleet.database import UtcDateTime, metadata

checks = sa.Table(
    "checks",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("about", sa.JSON, nullable=False),
    sa.Column("teps", sa.JSON, nullable=False),
    sa.Column("projects", sa.JSON, nullable=False),
    sa.Column("left_out", sa.JSON, nullable=False),
    sa.Column("who", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("trend", sa.JSON),
    sa.Column("reported", sa.Boolean, nullable=False),
    sa.Column("reporting_at", UtcDateTime),
    sa.Index("checks_by_state", "state"),
)
check_cells = sa.Table(
    "check_cells",
    metadata,
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
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("history", sa.String(64), nullable=False),
)
check_requests = sa.Table(
    "check_requests",
    metadata,
    sa.Column("check_id", sa.String(64), primary_key=True),
    sa.Column("tep", sa.String(40), primary_key=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("asked_at", UtcDateTime),
    sa.Index("check_requests_by_state", "check_id", "state"),
)
