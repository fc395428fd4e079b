"""The official evaluator, built once from its Go module and asked over pipes."""

import base64
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from infra_assets import settings
from infra_assets.sandbox.tools.build import find_go

SOURCES = Path(__file__).parent / "oracle_go"
MODULE = "github.com/pulumi/esc"
BUILD_S = 1500
ANSWER_S = 20.0


@dataclass(frozen=True)
class Built:
    """The program, and the folder of the official module's own cases."""

    program: Path
    cases: Path


def build() -> Built:
    """Build the oracle where this has not been done yet. A minute or two the first time, from nothing.

    Raises:
        InfraError: Go is missing or too old.
        RuntimeError: the oracle cannot be built.
    """
    go = find_go()
    folder = settings.load().cache_dir / "oracle"
    folder.mkdir(parents=True, exist_ok=True)
    version = _go(go, folder, "env", "GOVERSION").strip()
    kept = folder / _fingerprint(version)
    with FileLock(folder / ".lock"):
        if not _whole(kept):
            _build(go, kept)
    return _built(kept)


def _fingerprint(version: str) -> str:
    digest = hashlib.sha256(version.encode())
    for path in sorted(SOURCES.iterdir()):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _built(kept: Path) -> Built:
    return Built(kept / "oracle", Path((kept / "module").read_text(encoding="utf-8")) / "eval" / "testdata" / "eval")


def _whole(kept: Path) -> bool:
    # The module's folder belongs to Go's cache, which a person may empty.
    return (kept / "oracle").is_file() and _built(kept).cases.is_dir()


def _build(go: Path, kept: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".building-", dir=kept.parent) as name:
        # In a copy: Go never writes into the checkout.
        workspace = Path(name) / "oracle_go"
        shutil.copytree(SOURCES, workspace)
        finished = Path(name) / "finished"
        finished.mkdir()
        _go(go, workspace, "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", str(finished / "oracle"), ".")
        module = _go(go, workspace, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", MODULE).strip()
        (finished / "module").write_text(module, encoding="utf-8")
        shutil.rmtree(kept, ignore_errors=True)
        finished.replace(kept)


def _go(go: Path, folder: Path, *arguments: str) -> str:
    env = {**os.environ, "GOFLAGS": "", "GOWORK": "off", "GO111MODULE": "on", "GOTOOLCHAIN": "auto", "CGO_ENABLED": "0"}
    finished = subprocess.run(
        [go, *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    if finished.returncode != 0:
        raise RuntimeError(f"go {arguments[0]} failed:\n{finished.stderr[-2000:]}")
    return finished.stdout


class NoAnswerError(Exception):
    """The official evaluator ended or hung on this request: there is nothing to compare with."""


class Oracle:
    """A process that answers requests one after the other."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()

    def ask(
        self,
        root: bytes,
        documents: Mapping[str, bytes],
        *,
        name: str,
        modes: Iterable[str] = ("eval", "check"),
        folder: str = "",
        context: Mapping[str, Any] | None = None,
        show_secrets: bool = False,
        rotate_paths: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Return what upstream says, by mode, and under `load` what parsing the root says.

        Raises:
            NoAnswerError: it gave no answer.
        """
        request = {
            "root": base64.b64encode(root).decode(),
            "documents": {key: base64.b64encode(source).decode() for key, source in documents.items()},
            "name": name, "modes": list(modes), "folder": folder, "context": dict(context or {}),
            "showSecrets": show_secrets, "rotatePaths": list(rotate_paths),
        }  # fmt: skip
        process = self._process or self._start()
        assert process.stdin
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer = self._answers.get(timeout=ANSWER_S)
        except (BrokenPipeError, queue.Empty):
            answer = None
        if answer is None:
            self.close()
            raise NoAnswerError
        return json.loads(answer)

    def _start(self) -> "subprocess.Popen[str]":
        self._answers = queue.Queue()
        # Go's own limit for a goroutine's stack is reached by a document that nests deep; then the process ends.
        self._process = subprocess.Popen(
            [self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
        )
        threading.Thread(target=_read, args=(self._process, self._answers), daemon=True).start()
        return self._process

    def close(self) -> None:
        """End the process; the next request starts another."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


def _read(process: "subprocess.Popen[str]", answers: "queue.Queue[str | None]") -> None:
    assert process.stdout
    for line in process.stdout:
        answers.put(line)
    answers.put(None)


def main(root: str, *imports: str) -> None:
    """Print what the official evaluator says of a file; imports are given as NAME=FILE."""
    documents = {name: Path(file).read_bytes() for name, _, file in (given.partition("=") for given in imports)}
    answer = Oracle(build().program).ask(Path(root).read_bytes(), documents, name="root", modes=("eval", "check"))
    for result in answer.values():
        del result["layers"]
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
