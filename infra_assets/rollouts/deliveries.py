"""The webhooks that were received: what was seen once is not acted on again."""

import hashlib
import time
from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from infra_assets.fleet.database import UtcDateTime, metadata, now

KEPT = timedelta(days=7)
PRUNED_EVERY_S = 3600.0

deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
)
"""A row for each name of a delivery: what its sender calls it, and what is signed."""


class Deliveries:
    """Remembers deliveries for a week."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pruned: float | None = None

    def first(self, source: str, names: Iterable[str]) -> bool:
        """Note a delivery under its names; returns whether none of them was known. Otherwise nothing is noted."""
        self._prune()
        rows = [
            {"digest": hashlib.sha256(name.encode()).hexdigest(), "source": source, "received_at": now()} for name in sorted(set(names))
        ]
        try:
            # Just inserted, never asked first: of two that arrive at once, one is the first.
            with self._engine.begin() as connection:
                connection.execute(sa.insert(deliveries), rows)
        except IntegrityError:
            return False
        return True

    def _prune(self) -> None:
        if self._pruned is not None and time.monotonic() - self._pruned < PRUNED_EVERY_S:
            return
        self._pruned = time.monotonic()
        with self._engine.begin() as connection:
            connection.execute(sa.delete(deliveries).where(deliveries.c.received_at < now() - KEPT))
