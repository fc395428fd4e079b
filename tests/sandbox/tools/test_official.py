import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infra_assets.sandbox.tools.official import Program, engine_on_path, provider_here
from infra_assets.sandbox.tools.pins import read_pins

Script = Callable[[str, str], Path]
pytestmark = pytest.mark.usefixtures("isolated")


def use_path(monkeypatch: pytest.MonkeyPatch, *programs: Path) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(str(program.parent) for program in programs))


def test_the_first_engine_that_fits_is_taken(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    old, broken, right = script("pulumi", "echo v3.100.0"), script("pulumi", "exit 1"), script("pulumi", "echo v3.250.1")
    use_path(monkeypatch, old, broken, right)
    assert engine_on_path([]) == Program(right, "3.250.1", "path")


@pytest.mark.parametrize("version", ["v3.100.0", "v4.0.0", "v2.999.0", "gibberish"])
def test_an_engine_that_does_not_fit_is_refused_and_named(script: Script, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    program = script("pulumi", f"echo {version}")
    use_path(monkeypatch, program)
    tried: list[str] = []
    assert engine_on_path(tried) is None
    assert str(program) in tried[0]


@pytest.mark.parametrize("entry", ["", ".", "here"])
def test_an_engine_in_the_working_directory_is_never_run(
    script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: str
) -> None:
    program = script("pulumi", f"touch {tmp_path}/ran; echo v3.251.0")
    monkeypatch.chdir(program.parent)
    monkeypatch.setenv("PATH", str(program.parent) if entry == "here" else f"{entry}{os.pathsep}{tmp_path}")
    assert engine_on_path([]) is None
    assert not (tmp_path / "ran").exists()


def test_a_provider_on_path_must_have_the_version_of_the_sdk(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = read_pins()
    other, right = script("pulumi-resource-aws", "echo 7.0.0"), script("pulumi-resource-aws", f"echo {pins.provider}")
    use_path(monkeypatch, other)
    assert provider_here(pins, []) is None
    use_path(monkeypatch, other, right)
    assert provider_here(pins, []) == Program(right, pins.provider, "path")


def test_the_plugin_cache_is_used_unless_an_installation_was_cut_off(tmp_path: Path) -> None:
    pins = read_pins()
    plugin = tmp_path / ".pulumi/plugins" / f"resource-aws-v{pins.provider}" / "pulumi-resource-aws"
    plugin.parent.mkdir(parents=True)
    plugin.touch(mode=0o755)
    assert provider_here(pins, []) == Program(plugin, pins.provider, "plugin cache")
    Path(f"{plugin.parent}.partial").touch()
    assert provider_here(pins, []) is None
