"""The `git` command, for what crosses a border: fetching. It asks nobody, runs no hook, and ends in time."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra_assets.errors import InfraError
from infra_assets.programs.address import Address
from infra_assets.sandbox.tools.process import run

TIMEOUT_S = 60.0
_KEPT = ("GIT_SSH", "GIT_SSL", "GIT_ASKPASS", "GIT_HTTP", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_SAFE = (
    "core.hooksPath=/dev/null", "protocol.ext.allow=never", "http.followRedirects=false", "credential.interactive=false",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """How a git command ended: None as its code when its time was up. Holds no credentials."""

    code: int | None
    lines: Sequence[str]

    @property
    def done(self) -> bool:
        """Whether it did what it was asked for."""
        return self.code == 0

    @property
    def reason(self) -> str:
        """Why it did not: git's first complaint, or the last thing that it said."""
        if self.code is None:
            return f"no answer within {TIMEOUT_S:g} s"
        said = [line for line in self.lines if line.strip()]
        return next((line for line in said if line.startswith(("fatal:", "ERROR:"))), said[-1] if said else f"exit code {self.code}")


def git(repository: Path, address: Address | None, *arguments: str, timeout_s: float = TIMEOUT_S) -> Said:
    """Run a git command on a bare repository; `address` becomes the remote `origin`, off the command line where others could read it.

    Raises:
        InfraError: there is no git.
    """
    safe = [part for setting in _SAFE for part in ("-c", setting)]
    lines: list[str] = []
    try:
        ended = run(
            ["git", *safe, *arguments], env=_environment(repository, address), cwd=repository, timeout_s=timeout_s, on_line=lines.append
        )
    except FileNotFoundError:
        raise InfraError("there is no git on PATH", remedy="Install git: programs are fetched with it.") from None
    return Said(ended.code, [address.clean(line) for line in lines] if address else lines)


def _environment(repository: Path, address: Address | None) -> dict[str, str]:
    """Ours without what points git at another repository or makes it talk: a hook that calls us has such variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    kept.pop("SSH_ASKPASS", None)
    ours = {
        "GIT_DIR": str(repository),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    if address is not None:
        ours |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "remote.origin.url", "GIT_CONFIG_VALUE_0": address.url}
    return {**kept, **ours}
