"""Which AWS types the built provider has: gobuild/types.txt."""

from dataclasses import dataclass
from pathlib import Path

from infra_assets.errors import InfraError

GOBUILD = Path(__file__).with_name("gobuild")
TYPES = GOBUILD / "types.txt"
RENAMES = GOBUILD / "renames.txt"
NEWER = GOBUILD / "newer.txt"


@dataclass(frozen=True)
class MappedType:
    """A line of types.txt: upstream's name of a resource type or of a data source (`function`), and Pulumi's token."""

    upstream: str
    token: str
    function: bool


def read_newer(path: Path = NEWER) -> set[tuple[str, str]]:
    """Return what upstream is too old for: its type's name, or "provider", and the property as programs write it."""
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return {(words[0], words[1]) for words in lines if words}


def read_types(path: Path = TYPES) -> list[MappedType]:
    """Return the types that `path` lists.

    Raises:
        InfraError: a line is neither `aws_x aws:m/x:X` nor `data aws_x aws:m/getX:getX`, or names what an earlier one has.
    """
    found: list[MappedType] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        function = words[0] == "data"
        names = words[1:] if function else words
        if len(names) != 2 or not names[0].startswith("aws_") or names[1].count(":") != 2:
            raise InfraError(f"{path}:{number}: not understood: {line.strip()}", remedy="A line is [data] UPSTREAM_NAME PULUMI_TOKEN.")
        if any(names[1] == other.token or (names[0], function) == (other.upstream, other.function) for other in found):
            raise InfraError(f"{path}:{number}: listed twice: {line.strip()}", remedy="Remove one of the two lines.")
        found.append(MappedType(names[0], names[1], function))
    return found
