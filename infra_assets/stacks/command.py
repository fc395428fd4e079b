"""Runs the Pulumi CLI so that stopping us never leaves a lock, a pending operation or a resource that no state knows.

The SDK's own command reads the CLI through pipes and closes them when its thread is interrupted; the CLI then dies of SIGPIPE in
the middle of a step. Here the CLI has a session of its own and writes to files. An interruption becomes one SIGTERM, on which the
engine finishes the resource it is at, records it and releases the lock (`pkg/backend/cancellation_scope.go` of Pulumi: the same as
SIGINT, which whatever was started in a shell's background ignores); a second one, or the end of the grace, kills. If we are killed
ourselves the CLI notices that the program is gone, and ends the same way.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import semver
from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error

# What the CLI and its plugins may know of this process' environment; the rest is what the operation passes on.
INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ")
POLL_S = 0.01


class FleetCommand(PulumiCommand):
    """A Pulumi CLI with an exact environment, a time limit, and a graceful end.

    `stopped` is "" or says why the last command did not end by itself; `dirty` is true if the engine had to be killed, so that
    its last step may be recorded nowhere.
    """

    def __init__(self, executable: Path, version: str, *, limit_s: float, grace_s: float) -> None:
        # Not the parent's constructor: that one runs `pulumi version` each time.
        self.command = str(executable)
        self.version = semver.VersionInfo.parse(version.removeprefix("v"))
        self.stopped = ""
        self.dirty = False
        self._limit_s = limit_s
        self._grace_s = grace_s

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command to its end.

        Raises:
            CommandError: it failed, or ran into the time limit; one of the SDK's subclasses where it can tell.
            BaseException: what interrupted the wait (a signal's exception), after the CLI has ended.
        """
        folder = Path(cwd)
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                env=self._environment(additional_env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            code = self._wait(process)
        result = CommandResult(stdout=_text(folder / "stdout"), stderr=_text(folder / "stderr"), code=code)
        for callback, text in ((on_output, result.stdout), (on_error, result.stderr)):
            if callback is not None:
                for line in text.splitlines():
                    callback(line)
        if code != 0:
            raise create_command_error(result)
        return result

    def _environment(self, additional: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return inherited | dict(additional) | {"PULUMI_AUTOMATION_API": "true"}

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        self.stopped, self.dirty = "", False
        deadline = time.monotonic() + self._limit_s
        try:
            while True:
                try:
                    return process.wait(POLL_S)
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline:
                        break
        except BaseException:
            self.stopped = "interrupted"
            self._stop(process)
            raise
        self.stopped = f"cancelled after {self._limit_s:.0f} s, the limit for one operation"
        return self._stop(process)

    def _stop(self, process: "subprocess.Popen[bytes]") -> int:
        """Ask once and wait for the grace; after it, or when interrupted again, kill the CLI and its plugins."""
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(self._grace_s)
        except subprocess.TimeoutExpired:
            return self._kill(process)
        except BaseException:
            self._kill(process)
            raise

    def _kill(self, process: "subprocess.Popen[bytes]") -> int:
        self.dirty = True
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
