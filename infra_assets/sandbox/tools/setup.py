"""Get the engine and the provider once, and remember where they are."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools import official
from infra_assets.sandbox.tools.model import Tools, read_note, write_note
from infra_assets.sandbox.tools.official import Program
from infra_assets.sandbox.tools.pins import OLDEST_ENGINE, Pins, inputs_hash, read_pins
from infra_assets.sandbox.tools.process import TICK_S, took
from infra_assets.settings import Settings

Progress = Callable[[str], None]


def find(settings: Settings) -> Tools | None:
    """Return what set-up got, in a few milliseconds; None when it has to run (again)."""
    return read_note(_folder(settings) / _note_name(settings, inputs_hash()))


def get(settings: Settings, progress: Progress, *, again: bool = False) -> Tools:
    """Return the engine and the provider: those that set-up got before (unless `again`), else found, downloaded or built now.

    Raises:
        InfraError: no way leads to them; the message tells which were tried and what to install.
    """
    if not again and (tools := find(settings)):
        return tools
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, progress):
        if not again and (tools := find(settings)):
            return tools  # another set-up got them while we waited
        key = inputs_hash()
        note = folder / _note_name(settings, key)
        note.unlink(missing_ok=True)
        tools = _set_up(settings, folder, key, progress)
        write_note(note, tools)
        return tools


def _folder(settings: Settings) -> Path:
    return settings.cache_dir / "tools"


def _note_name(settings: Settings, key: str) -> str:
    return f"ready-{settings.provider}-{key}.json"


@contextmanager
def _alone(folder: Path, progress: Progress) -> Generator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    start = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=TICK_S)
            break
        except Timeout:
            progress(f"waiting for another set-up in {folder}, {took(start)}")
    try:
        yield
    finally:
        lock.release()


def _set_up(settings: Settings, folder: Path, key: str, progress: Progress) -> Tools:
    pins = read_pins()
    home = folder / f"home-{settings.provider}-{key}"
    home.mkdir(exist_ok=True)
    _unlink(home)
    tried: list[str] = []
    engine, provider = (None, None) if settings.provider == "built" else _official(pins, folder, home, progress, tried)
    if not (engine and provider):
        if settings.provider == "official":
            raise _impossible(pins, tried, "INFRA_PROVIDER=official allows no build")
        engine, provider = _built(engine, provider, folder / key, pins, progress, tried)
    tools = Tools(
        pulumi=engine.path,
        engine_version=engine.version,
        pulumi_home=home,
        provider=provider.path,
        provider_version=provider.version,
        origin={"cli": engine.origin, "provider": provider.origin},
    )
    _link(tools)
    return tools


def _official(pins: Pins, folder: Path, home: Path, progress: Progress, tried: list[str]) -> tuple[Program | None, Program | None]:
    engine = official.engine_on_path(tried) or official.download_engine(pins, folder, progress, tried)
    provider = official.provider_here(pins, tried)
    if engine and not provider:  # what the engine cannot be downloaded from has no provider for us either
        provider = official.download_provider(engine, home, pins, progress, tried)
    return engine, provider


def _built(
    engine: Program | None, provider: Program | None, target: Path, pins: Pins, progress: Progress, tried: list[str]
) -> tuple[Program, Program]:
    from infra_assets.sandbox.tools import build

    missing = [product for product, there in zip(get_args(build.Product), (engine, provider), strict=True) if not there]
    unbuilt = [product for product in missing if not official.is_program(build.place(target, product))]
    for reason in tried:
        progress(f"no official one {reason}")
    if unbuilt:
        try:
            build.build(unbuilt, target, pins, progress)
        except InfraError as error:
            raise _impossible(pins, tried, f"build: {error}") from error
    return (
        engine or Program(build.place(target, "pulumi"), pins.engine, "built"),
        provider or Program(build.place(target, "pulumi-resource-aws"), pins.provider, "built"),
    )


def _impossible(pins: Pins, tried: list[str], last: str) -> InfraError:
    oldest = ".".join(str(part) for part in OLDEST_ENGINE)
    ways = "\n".join(f"- {way}" for way in [*tried, last])
    return InfraError(
        f"the Pulumi engine and the AWS provider {pins.provider} cannot be had:\n{ways}",
        remedy=f"Install Go 1.21 or later on a machine that reaches a Go module proxy; or Pulumi {oldest} or later, "
        f"and with it `pulumi plugin install resource aws v{pins.provider}`. Then run set-up again.",
    )


def _unlink(home: Path) -> None:
    """Take out an earlier set-up's link: the engine would not download a plugin that seems to be there."""
    for plugin in home.glob("plugins/*/pulumi-resource-aws"):
        if plugin.is_symlink():
            plugin.unlink()
            plugin.parent.rmdir()


def _link(tools: Tools) -> None:
    """Put the provider where the engine looks for it."""
    if tools.plugin == tools.provider:
        return
    tools.plugin.parent.mkdir(parents=True, exist_ok=True)
    link = tools.plugin.with_name(f".{os.getpid()}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(tools.provider)
    link.replace(tools.plugin)
