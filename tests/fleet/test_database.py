"""The database: brought up to date on first use, in agreement with what the code reads and writes."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from infra_assets.errors import InfraError
from infra_assets.fleet import database
from infra_assets.stacks import ledger  # noqa: F401  # brings its tables onto the metadata

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
