"""What environments are used: opens, secrets and values per environment and day, so that what a service charges for can be foreseen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.fleet.database import metadata, now

usage = sa.Table(
    "environment_usage",
    metadata,
    sa.Column("environment", sa.String(201), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("opens", sa.Integer, nullable=False),
    sa.Column("secrets", sa.Integer, nullable=False),
    sa.Column("values", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Use:
    """One environment on one day (UTC)."""

    environment: str
    opens: int
    """How often it was opened for a TEP's stacks; an import is part of its importer's opening."""
    secrets: int
    """How many `fn::secret` its definition holds."""
    values: int
    """How many values its definition holds, secrets included."""
    day: date | None = None


class Usage:
    """Counts and reports."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, uses: Sequence[Use]) -> None:
        """Add to today's counts: opens are added up, secrets and values are as they are now."""
        if not uses:
            return
        today = now().date()
        rows = [
            {"environment": use.environment, "day": today, "opens": use.opens, "secrets": use.secrets, "values": use.values} for use in uses
        ]
        with self._engine.begin() as connection:
            statement = _insert(connection.dialect.name)
            connection.execute(statement, rows)

    def read(self, *, days: int) -> list[Use]:
        """Return the counts of the last days, today included, by environment and day."""
        query = sa.select(usage).where(usage.c.day > now().date() - timedelta(days=days)).order_by(usage.c.environment, usage.c.day)
        with self._engine.connect() as connection:
            return [Use(**row) for row in connection.execute(query).mappings()]


def totals(uses: Sequence[Use]) -> Mapping[str, Use]:
    """Return each environment's total: opens of all days, secrets and values of the last."""
    found: dict[str, Use] = {}
    for use in uses:
        before = found.get(use.environment)
        found[use.environment] = Use(use.environment, use.opens + (before.opens if before else 0), use.secrets, use.values)
    return found


def _insert(dialect: str) -> sa.Insert:
    # Both databases know `on conflict`; SQLAlchemy has it in their dialects only.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(usage)
    return statement.on_conflict_do_update(
        index_elements=[usage.c.environment, usage.c.day],
        set_={
            "opens": usage.c.opens + statement.excluded.opens,
            "secrets": statement.excluded.secrets,
            "values": statement.excluded["values"],
        },
    )
