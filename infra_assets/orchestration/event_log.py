"""Dagster's event log on SQLite, whose files are made by copying.

Dagster keeps a database per run. It creates each by running all the statements of its schema, and every process that comes to it asks
first whether it is there: 0.2 s of CPU per run, a third of all that a run costs beside its work. Files and folders are as Dagster's own, so
that a home changes over by a line in dagster.yaml, and back.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import dagster
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import create_db_conn_string
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

FOLDER = Path("history", "runs")
"""Where Dagster has it by default, in its home."""
TEMPLATE = f"empty-{dagster.__version__}"


class CopiedEventLogStorage(SqliteEventLogStorage):
    """Dagster's own, but a run's database is a copy of an empty one."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Make one as dagster.yaml says: `base_dir` is Dagster's home."""
        return cls(str(Path(config_value["base_dir"]) / FOLDER), inst_data=inst_data)

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        if for_index_shard or not engine.url.database:
            super()._initdb(engine, for_index_shard)
            return
        path = Path(engine.url.database)
        if not path.exists():
            _copy(self._template(path.parent), path)

    def _template(self, folder: Path) -> Path:
        """Return an empty database, made once for each version of Dagster."""
        template = folder / TEMPLATE
        if not template.exists():
            with tempfile.TemporaryDirectory(dir=folder) as new:
                engine = create_engine(create_db_conn_string(new, TEMPLATE), poolclass=NullPool)
                super()._initdb(engine)
                engine.dispose()
                Path(new, f"{TEMPLATE}.db").replace(template)
        return template


def _copy(template: Path, path: Path) -> None:
    """Put a copy there in one step, unless another process was first."""
    draft = path.with_suffix(f".{os.getpid()}")
    shutil.copyfile(template, draft)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
