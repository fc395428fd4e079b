"""The database: brought up to date on first use, in agreement with what the code reads and writes."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from infra_assets.environments import handover, kept, store_tables, usage  # noqa: F401  # they bring their tables onto the metadata
from infra_assets.errors import InfraError
from infra_assets.fleet import (
    database,
    registry,
)
from infra_assets.previews import tables as check_tables  # noqa: F401
from infra_assets.rollouts import deliveries, tables  # noqa: F401
from infra_assets.stacks import ledger  # noqa: F401

MIGRATIONS = Path(database.__file__).parent / "migrations"


def test_the_migrations_make_just_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path / 'a' / 'infra.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), database.metadata) == []


def test_the_version_that_is_asked_for_is_the_newest() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == database.SCHEMA_VERSION


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path / 'infra.db'}")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA busy_timeout")) == 30000


def test_a_database_without_its_driver_is_said_without_its_password() -> None:
    with pytest.raises(InfraError, match=r"cannot be opened: No module named") as refused:
        database.connect("oracle+oracledb://infra:hunter2@127.0.0.1:1/infra")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("path", ["file-not-folder/infra.db", "folder"])
def test_a_database_that_cannot_be_opened_is_said(tmp_path: Path, path: str) -> None:
    (tmp_path / "file-not-folder").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InfraError, match=r"database sqlite:///.* cannot be opened: .+"):
        database.connect(f"sqlite:///{tmp_path / path}")


def test_what_a_tep_had_as_settings_of_its_own_becomes_its_environment(tmp_path: Path) -> None:
    """A database of before environments: nothing that was configured may be lost."""
    from alembic import command
    from alembic.config import Config

    from infra_assets.environments.sources.store import StoreSource

    url = f"sqlite:///{tmp_path / 'infra.db'}"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    old = sa.create_engine(url)
    with old.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO teps VALUES ('acme-prod', 'acme', 'prod', 'beta', 'us-east-1', '111111111111', 'x', "
                """'{"network": {"cidr": "10.0.0.0/16", "x": ["a${b}$$"]}}', '2026-01-01 00:00:00')"""
            )
        )
    engine = database.connect(url)
    source = StoreSource(engine).read("tenants/acme-prod").source
    assert b'"network:cidr": "10.0.0.0/16"' in source
    assert b'"a$${b}$$$$"' in source  # `$` is one of the language's signs
    assert registry.Registry(engine).get("acme-prod").ring.value == "beta"
