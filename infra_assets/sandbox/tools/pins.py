"""Which versions belong together, and the hash of all that a build depends on."""

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from infra_assets.sandbox.tools.mapping import GOBUILD

TRIM = Path(__file__).with_name("trim.py")
OLDEST_ENGINE = (3, 230)  # the oldest with the events and flags that stacks/ relies on
LINKED_IN = (
    "-s -w -X main.version={provider} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{engine}"  # -s -w: half the size
)


@dataclass(frozen=True)
class Pins:
    """Versions without a leading v: of the engine, of the provider, and upstream's module version with its checksum."""

    engine: str
    provider: str
    upstream: str
    upstream_sum: str

    @property
    def linker_flags(self) -> str:
        """What the linker is told: both programs must be able to tell their version."""
        return LINKED_IN.format(provider=self.provider, engine=self.engine)


def read_pins(gobuild: Path = GOBUILD) -> Pins:
    """Return the versions: the provider's is that of the installed pulumi_aws, the others stand in go.mod and upstream.sum."""
    engine = re.search(r"^\s*github\.com/pulumi/pulumi/pkg/v3 v(\S+)", (gobuild / "go.mod").read_text(), re.MULTILINE)
    assert engine, "go.mod names the engine"
    _, upstream, upstream_sum = (gobuild / "upstream.sum").read_text().split()
    return Pins(engine[1], version("pulumi_aws"), upstream, upstream_sum)


def inputs_hash(gobuild: Path = GOBUILD, trim: Path = TRIM) -> str:
    """Return 16 hex digits that change whenever a build would give something else."""
    digest = hashlib.sha256()
    for path in [*sorted(path for path in gobuild.rglob("*") if path.is_file()), trim]:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    digest.update(repr((read_pins(gobuild), LINKED_IN, sys.platform, platform.machine())).encode())
    return digest.hexdigest()[:16]
