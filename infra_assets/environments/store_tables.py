"""The tables of the fleet's own environments."""

import sqlalchemy as sa

from infra_assets.fleet.database import UtcDateTime, metadata

revisions = sa.Table(
    "environment_revisions",
    metadata,
    sa.Column("name", sa.String(201), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", sa.LargeBinary, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("author", sa.String(200), nullable=False),
)
tags = sa.Table(
    "environment_tags",
    metadata,
    sa.Column("name", sa.String(201), primary_key=True),
    sa.Column("tag", sa.String(100), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
)
