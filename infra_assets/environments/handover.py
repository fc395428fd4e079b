"""Hands what a rollout's plan has resolved to its runs: sealed, taken once.

A run deploys what was planned, from the very revisions, and nothing is opened a second time. What could not be handed on (the row is
gone, or the key has changed) a run resolves by itself.
"""

import base64
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.environments.resolution import Resolution, dump, load
from infra_assets.fleet.database import UtcDateTime, metadata, now

handovers = sa.Table(
    "handovers",
    metadata,
    sa.Column("rollout_id", sa.String(64), primary_key=True),
    sa.Column("tep", sa.String(40), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

KEPT = timedelta(days=1)
"""How long a run may wait in the queue before it has to resolve by itself."""


class Handover:
    """Gives and takes."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._key = base64.urlsafe_b64encode(sha256(b"handover" + key).digest())

    def give(self, rollout_id: str, resolutions: Iterable[Resolution]) -> None:
        """Seal the configuration of a rollout's TEPs; what was given before and not taken is replaced."""
        from cryptography.fernet import Fernet

        fernet = Fernet(self._key)
        rows = [
            {"rollout_id": rollout_id, "tep": resolution.tep, "sealed": fernet.encrypt(dump(resolution).encode()), "created_at": now()}
            for resolution in resolutions
        ]
        with self._engine.begin() as connection:
            connection.execute(sa.delete(handovers).where(handovers.c.created_at < now() - KEPT))
            if rows:
                again = sa.delete(handovers).where(handovers.c.rollout_id == rollout_id, handovers.c.tep == sa.bindparam("of"))
                connection.execute(again, [{"of": row["tep"]} for row in rows])
                connection.execute(sa.insert(handovers), rows)

    def drop(self, rollout_id: str) -> None:
        """Remove what nobody will take any more."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(handovers).where(handovers.c.rollout_id == rollout_id))

    def take(self, rollout_id: str, tep: str) -> Resolution | None:
        """Return what was handed on, and remove it; None if there is nothing."""
        from cryptography.fernet import Fernet, InvalidToken

        mine = (handovers.c.rollout_id == rollout_id) & (handovers.c.tep == tep)
        with self._engine.begin() as connection:
            sealed = connection.scalar(sa.select(handovers.c.sealed).where(mine))
            connection.execute(sa.delete(handovers).where(mine))
        if sealed is None:
            return None
        try:
            return load(Fernet(self._key).decrypt(sealed).decode())
        except InvalidToken:
            return None
