"""A database from before there were environments is brought up to date with all that is in it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from infra_assets.environments.sources.store import StoreSource
from infra_assets.fleet import database

OPERATION = {
    "tep": "acme-prod", "project": "network", "operation": "up", "state": "deployed", "inputs": "{}", "changes": "{}", "outputs": "{}",
    "started_at": "2026-01-01 00:00:00", "message": "",
}  # fmt: skip


def migrate(engine: sa.Engine, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def test_an_older_database_keeps_its_data_and_takes_environments(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'infra.db'}"
    older = sa.create_engine(url)
    migrate(older, "0001")
    with older.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO operations ({', '.join(OPERATION)}) VALUES (:{', :'.join(OPERATION)})"), OPERATION)
    engine = database.connect(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT tep, project, environments FROM operations")).all() == [("acme-prod", "network", None)]
    assert StoreSource(engine).write("shared/app", b"values: {}\n") == "1"
    migrate(engine, "0001", down=True)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT tep FROM operations")).all() == [("acme-prod",)]
        assert sa.inspect(connection).get_table_names() == ["alembic_version", "facts", "operations", "teps"]
