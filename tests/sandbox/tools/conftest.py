"""Settings with a cache of their own, and small programs that stand for an engine or a Go tool of some version."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra_assets.sandbox.tools import Tools, build, get
from infra_assets.settings import Settings, load


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Pretend a machine without any tool: nothing on PATH, no plugin cache, an empty cache, and no network."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: refused at once
    monkeypatch.setattr(build, "GO_HOMES", ())
    monkeypatch.chdir(tmp_path)
    return Settings.model_validate(
        {
            "root": tmp_path,
            "home": tmp_path,
            "cache_dir": tmp_path / "cache",
            "state_backend": "file:///no",
            "database_url": "sqlite://",
            "targets": tmp_path / "targets.yaml",
        }
    )


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a shell script `name` that runs `body` into a folder of its own, and return its path."""

    def write(name: str, body: str) -> Path:
        folder = tmp_path / f"bin-{abs(hash((name, body)))}"
        folder.mkdir()
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture(scope="session")
def built_tools() -> Tools:
    """Return the built engine and provider, from this machine's cache where they are there already."""

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    return get(load().model_copy(update={"provider": "built"}), say)
