"""How far what is followed was read, in the database: whoever looks next goes on from there, whichever process it is."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.fleet.database import UtcDateTime, metadata, now

followed = sa.Table(
    "followed",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""How far what is followed was read: a target's branch (`target/prod`), the environments (`environments`)."""


class Followed:
    """Remembers by name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> dict[str, Any]:
        """Return what is remembered; empty where nothing is."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(followed.c.value).where(followed.c.name == name)) or {}

    def set(self, name: str, **value: Any) -> None:
        """Remember."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(followed).where(followed.c.name == name))
            connection.execute(sa.insert(followed).values(name=name, value=value, at=now()))
