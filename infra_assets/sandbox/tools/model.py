"""What set-up found, and the note of it in the cache that every later command reads."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["path", "plugin cache", "downloaded", "built"]


@dataclass(frozen=True)
class Tools:
    """The engine and the provider that stacks run with.

    `pulumi_home` goes into PULUMI_HOME: the engine finds the provider there. `origin` tells where "cli" and "provider" come from.
    """

    pulumi: Path
    engine_version: str
    pulumi_home: Path
    provider: Path
    provider_version: str
    origin: dict[str, Origin]

    @property
    def plugin(self) -> Path:
        """Where the engine looks for the provider."""
        return self.pulumi_home / "plugins" / f"resource-aws-v{self.provider_version}" / "pulumi-resource-aws"

    def to_json(self) -> str:
        """Return the fields as a JSON object, paths as text."""
        return json.dumps(asdict(self), default=str, indent=2)


def write_note(note: Path, tools: Tools) -> None:
    """Keep `tools` in `note`, with what tells later whether the files are still the same."""
    content = {"tools": json.loads(tools.to_json()), "files": _marks(tools)}
    partial = note.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(content, indent=2))
    partial.replace(note)


def read_note(note: Path) -> Tools | None:
    """Return what `note` keeps; None without one, or when a file of it is gone or was replaced since."""
    try:
        content = json.loads(note.read_text())
        fields = content["tools"]
        tools = Tools(
            pulumi=Path(fields["pulumi"]),
            engine_version=fields["engine_version"],
            pulumi_home=Path(fields["pulumi_home"]),
            provider=Path(fields["provider"]),
            provider_version=fields["provider_version"],
            origin=fields["origin"],
        )
        return tools if content["files"] == _marks(tools) else None
    except (FileNotFoundError, NotADirectoryError, KeyError, TypeError, ValueError):
        return None  # an unreadable note is as good as none: set-up writes it anew


def _marks(tools: Tools) -> dict[str, list[int]]:
    marks: dict[str, list[int]] = {}
    for path in (tools.pulumi, tools.provider, tools.plugin):
        status = path.stat()
        marks[str(path)] = [status.st_size, status.st_mtime_ns]
    return marks
