"""Environments: their revisions and tags, what they cost, values handed to a rollout's runs, and what an operation was resolved from."""

import json
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables, and the column to the operations."""
    op.create_table(
        "environment_revisions",
        sa.Column("name", sa.String(201), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
    )
    op.create_table(
        "environment_tags",
        sa.Column("name", sa.String(201), primary_key=True),
        sa.Column("tag", sa.String(100), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "environment_usage",
        sa.Column("environment", sa.String(201), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("opens", sa.Integer, nullable=False),
        sa.Column("secrets", sa.Integer, nullable=False),
        sa.Column("values", sa.Integer, nullable=False),
    )
    op.create_table(
        "handovers",
        sa.Column("rollout_id", sa.String(64), primary_key=True),
        sa.Column("tep", sa.String(40), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("operations", sa.Column("environments", sa.JSON))
    _move_settings()
    with op.batch_alter_table("teps") as teps:
        teps.drop_column("settings")


def _move_settings() -> None:
    """Make an environment of what a TEP had as settings of its own: it is deployed as before."""
    connection = op.get_bind()
    teps = sa.table("teps", sa.column("name", sa.String), sa.column("settings", sa.JSON))
    revisions = sa.table(
        "environment_revisions", sa.column("name", sa.String), sa.column("number", sa.Integer), sa.column("source", sa.LargeBinary),
        sa.column("deleted", sa.Boolean), sa.column("created_at", sa.DateTime(timezone=True)), sa.column("author", sa.String),
    )  # fmt: skip
    for tep, settings in connection.execute(sa.select(teps.c.name, teps.c.settings)).all():
        by_project: dict[str, dict[str, Any]] = settings or {}
        configuration = {f"{project}:{key}": value for project, keys in by_project.items() for key, value in keys.items()}
        configuration = _literal(configuration)
        if configuration:
            document: dict[str, Any] = {"imports": [f"fleet/{tep}"], "values": {"pulumiConfig": configuration}}
            row = {"name": f"tenants/{tep}", "number": 1, "source": json.dumps(document, indent=2).encode(), "deleted": False}
            connection.execute(sa.insert(revisions).values(row | {"created_at": datetime.now(UTC), "author": "settings of the fleet file"}))


def _literal(value: Any) -> Any:
    """Return a value that an environment evaluates to this one: `$` begins a reference there."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_literal(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _literal(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def downgrade() -> None:
    """Take them away again; what became an environment does not become settings again."""
    with op.batch_alter_table("teps") as teps:
        teps.add_column(sa.Column("settings", sa.JSON, nullable=False, server_default="{}"))
    op.drop_column("operations", "environments")
    for table in ("handovers", "environment_usage", "environment_tags", "environment_revisions"):
        op.drop_table(table)
