"""The database of fleet and ledger: SQLite in `dagster_home/` by default, Postgres by URL.

Tables live beside what uses them, on the one `metadata` here; alembic brings an older database up to date on first use.
"""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError

from infra_assets.errors import InfraError

SCHEMA_VERSION = "0004"
"""The newest revision in migrations/versions; a test holds the two together."""

metadata = sa.MetaData()


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Points in time, always with their zone: SQLite would drop it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Store as UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Read as UTC."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


@cache
def connect(url: str) -> Engine:
    """Return the engine for `url`, its schema up to date; one per process and URL.

    Raises:
        InfraError: the database cannot be opened.
    """
    database = sa.make_url(url)
    try:
        engine = sa.create_engine(database, pool_pre_ping=database.get_backend_name() != "sqlite")
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _tune_sqlite)
        if engine.dialect.name == "sqlite" and database.database:
            Path(database.database).parent.mkdir(parents=True, exist_ok=True)
        if _schema_version(engine) != SCHEMA_VERSION:
            _migrate(engine)
    except (OperationalError, OSError, ImportError) as error:
        shown = database.render_as_string(hide_password=True)
        reason = error.orig if isinstance(error, OperationalError) else error
        raise InfraError(f"database {shown} cannot be opened: {reason}", remedy="Check INFRA_DATABASE_URL.") from None
    return engine


def _tune_sqlite(connection: DBAPIConnection, _record: Any) -> None:
    cursor = connection.cursor()
    # Runs write while the command reads; a writer waits for its turn instead of failing.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _schema_version(engine: Engine) -> str | None:
    # Asked without alembic, whose import costs more than every other query of a command.
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from filelock import FileLock

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    lock = Path(engine.url.database + ".lock") if engine.dialect.name == "sqlite" and engine.url.database else None
    with FileLock(lock) if lock else engine.connect(), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
