"""What a run prints, straight into its file.

Dagster's own way besides repeats it on the worker's output, which nobody reads here, by four more processes per run: 600 of them at a cap
of 150. Files and folders are as Dagster's own, and its UI shows them as ever.
"""

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.execution.compute_logs import redirect_to_file  # pyright: ignore[reportUnknownVariableType]
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._serdes import ConfigurableClassData

FOLDER = "storage"
"""Where Dagster has it by default, in its home."""
IO = (ComputeIOType.STDOUT, ComputeIOType.STDERR)


class FileComputeLogManager(LocalComputeLogManager):
    """Dagster's own, without the repetition."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Make one as dagster.yaml says: `base_dir` is Dagster's home."""
        return cls(str(Path(config_value["base_dir"]) / FOLDER), inst_data=inst_data)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext]:
        """Send what this process and its children print to files."""
        out, err = (Path(self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[io])) for io in IO)
        out.parent.mkdir(parents=True, exist_ok=True)
        with redirect_to_file(sys.stdout, str(out)), redirect_to_file(sys.stderr, str(err)):
            yield CapturedLogContext(log_key)
        # Tells the UI that there is no more to come.
        out.with_suffix(".complete").touch()
