"""The fleet's register: which TEPs there are."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.errors import UsageError
from infra_assets.fleet.database import UtcDateTime, metadata, now
from infra_assets.fleet.models import Ring, Tep

teps = sa.Table(
    "teps",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(40), nullable=False),
    sa.Column("environment", sa.String(40), nullable=False),
    sa.Column("ring", sa.String(16), nullable=False),
    sa.Column("region", sa.String(32), nullable=False),
    sa.Column("account_id", sa.String(12), nullable=False, unique=True),
    sa.Column("external_id", sa.String(64), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)


class Registry:
    """Reads and writes TEPs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self) -> Sequence[Tep]:
        """Return every TEP, by name."""
        with self._engine.connect() as connection:
            return [_tep(row) for row in connection.execute(sa.select(teps).order_by(teps.c.name)).mappings()]

    def get(self, name: str) -> Tep:
        """Return one TEP.

        Raises:
            UsageError: there is none of that name.
        """
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(teps).where(teps.c.name == name)).mappings().one_or_none()
        if row is None:
            raise UsageError(f"no TEP {name!r} in the fleet", remedy="infra fleet list shows them.")
        return _tep(row)

    def named(self, names: Iterable[str]) -> dict[str, Tep]:
        """Return those of some TEPs that there are, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(teps).where(teps.c.name.in_(list(names)))).mappings()
            return {row["name"]: _tep(row) for row in rows}

    def save(self, changed: Iterable[Tep]) -> None:
        """Add or update TEPs, all of them or none."""
        with self._engine.begin() as connection:
            known = set(connection.scalars(sa.select(teps.c.name)))
            for tep in changed:
                values = {**asdict(tep), "name": tep.name, "ring": tep.ring.value}
                if tep.name in known:
                    connection.execute(sa.update(teps).where(teps.c.name == tep.name).values(values))
                else:
                    connection.execute(sa.insert(teps).values(values | {"created_at": now()}))


def _tep(row: sa.RowMapping) -> Tep:
    fields: dict[str, Any] = {key: row[key] for key in ("tenant", "environment", "region", "account_id", "external_id")}
    return Tep(ring=Ring(row["ring"]), **fields)
