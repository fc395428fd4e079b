"""The sandbox as a whole: the emulator, Pulumi's state and our database belong together.

moto's memory dies with its process. State and ledger that speak of resources which no longer exist are worse than none, so each
carries the generation of the emulator that it was made with, and nothing is deployed while they differ.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from infra_assets.errors import InfraError, NotRunningError
from infra_assets.sandbox import emulator, tools
from infra_assets.sandbox.emulator import Emulator
from infra_assets.settings import Settings

GENERATION = "generation"


@dataclass(frozen=True, slots=True)
class Status:
    """How the sandbox is."""

    emulator: Emulator | None
    healthy: bool
    agrees: bool
    """Whether state and ledger were made with the emulator that runs now."""


class Sandbox:
    """The embedded default of everything outside of us."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.folder = settings.home / "sandbox"

    def up(self, progress: Callable[[str], None]) -> Emulator:
        """Get engine and provider, start the emulator; harmless when all is there.

        Raises:
            InfraError: something cannot be had, or the emulator that runs is not the one that state and ledger belong to.
        """
        tools.get(self._settings, progress)
        running = emulator.start(self.folder)
        (self.folder / "state").mkdir(exist_ok=True)
        if self._generation() is None:
            (self.folder / GENERATION).write_text(running.generation, encoding="utf-8")
        self.check()
        return running

    def down(self) -> bool:
        """Stop the emulator; what it held is lost. Returns whether it ran."""
        return emulator.stop(self.folder)

    def reset(self) -> None:
        """Put emulator, Pulumi's state and our database back to nothing, together."""
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)
        for file in self._settings.home.glob("infra.db*"):
            file.unlink()

    def status(self) -> Status:
        """Say how it is."""
        running = emulator.find(self.folder)
        healthy = running is not None and emulator.healthy(running)
        return Status(running, healthy, agrees=self._generation() in (None, running.generation if running else None))

    def check(self) -> None:
        """Refuse to go on where the sandbox does not run, or has forgotten what state and ledger speak of; cheap.

        Raises:
            NotRunningError: it does not run.
            InfraError: it lost its memory.
        """
        if self._settings.cloud != "sandbox":
            return
        running = emulator.find(self.folder)
        if running is None:
            raise NotRunningError("the sandbox is not running", remedy="infra sandbox up starts it.")
        if self._generation() != running.generation:
            raise InfraError(
                "the sandbox's AWS was restarted and has forgotten every resource; Pulumi's state and the ledger still speak of them",
                remedy="infra sandbox reset puts all three back to nothing; then import the fleet again.",
            )

    def _generation(self) -> str | None:
        path = self.folder / GENERATION
        return path.read_text(encoding="utf-8") if path.exists() else None
