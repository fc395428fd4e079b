import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools import Tools, find, get
from infra_assets.sandbox.tools.pins import inputs_hash, read_pins
from infra_assets.settings import Settings

Script = Callable[[str, str], Path]


def ignore(line: str) -> None:
    pass


@pytest.fixture
def installed(isolated: Settings, script: Script, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Put an engine and a provider on PATH; the engine notes in `asked` each time that it is run, and takes a while."""
    engine = script("pulumi", f"echo asked >> {isolated.root}/asked; /bin/sleep 0.5; echo v3.251.0")
    provider = script("pulumi-resource-aws", f"echo {read_pins().provider}")
    monkeypatch.setenv("PATH", f"{engine.parent}{os.pathsep}{provider.parent}")
    return engine, provider


def test_what_is_on_path_is_found_linked_and_remembered(isolated: Settings, installed: tuple[Path, Path]) -> None:
    assert find(isolated) is None
    tools = get(isolated, ignore)
    assert (tools.pulumi, tools.provider) == installed
    assert tools.origin == {"cli": "path", "provider": "path"}
    assert tools.plugin.resolve() == installed[1]
    assert tools.plugin == tools.pulumi_home / "plugins" / f"resource-aws-v{tools.provider_version}" / "pulumi-resource-aws"
    assert find(isolated) == tools


@pytest.mark.usefixtures("installed")
def test_finding_takes_less_than_20_ms(isolated: Settings) -> None:
    get(isolated, ignore)
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        find(isolated)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.020


def test_a_program_that_was_replaced_is_not_trusted(isolated: Settings, installed: tuple[Path, Path]) -> None:
    get(isolated, ignore)
    installed[0].write_text(installed[0].read_text() + "# upgraded\n")
    assert find(isolated) is None
    installed[0].unlink()
    assert find(isolated) is None


@pytest.mark.usefixtures("installed")
def test_a_note_that_cannot_be_read_is_written_anew(isolated: Settings) -> None:
    tools = get(isolated, ignore)
    note = isolated.cache_dir / "tools" / f"ready-auto-{inputs_hash()}.json"
    note.write_text("{")
    assert find(isolated) is None
    assert get(isolated, ignore) == tools


@pytest.mark.usefixtures("installed")
def test_two_set_ups_at_once_do_it_once(isolated: Settings, tmp_path: Path) -> None:
    got: list[Tools] = []
    threads = [threading.Thread(target=lambda: got.append(get(isolated, ignore))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert got[0] == got[1]
    assert (tmp_path / "asked").read_text().count("asked") == 1


def test_without_anything_one_message_says_what_was_tried_and_what_to_install(isolated: Settings) -> None:
    start = time.monotonic()
    with pytest.raises(InfraError) as raised:
        get(isolated, ignore)
    text = str(raised.value)
    assert time.monotonic() - start < 20
    for part in (
        "on PATH: no pulumi",
        "by download of the engine: ",
        "no AWS provider",
        "no Go on PATH",
        "Install Go 1.21 or later",
        "pulumi plugin install",
    ):
        assert part in text


def test_official_never_builds(isolated: Settings, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go = script("go", f"touch {tmp_path}/built")
    monkeypatch.setenv("PATH", str(go.parent))
    with pytest.raises(InfraError, match="INFRA_PROVIDER=official allows no build"):
        get(isolated.model_copy(update={"provider": "official"}), ignore)
    assert not (tmp_path / "built").exists()


@pytest.mark.usefixtures("installed")
def test_built_looks_nowhere_else(isolated: Settings, tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="no Go on PATH"):
        get(isolated.model_copy(update={"provider": "built"}), ignore)
    assert not (tmp_path / "asked").exists()


def test_a_go_that_is_too_old_is_named(isolated: Settings, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(script("go", "echo go1.19.8").parent))
    with pytest.raises(InfraError, match=r"go is go1\.19\.8"):
        get(isolated, ignore)


def test_an_upstream_with_another_checksum_is_refused(isolated: Settings, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    go = script("go", """case $1 in env) echo go1.26.3;; mod) echo '{"Dir": "/", "Sum": "h1:other="}';; esac""")
    monkeypatch.setenv("PATH", str(go.parent))
    with pytest.raises(InfraError, match="is not what is pinned: h1:other="):
        get(isolated, ignore)
    assert find(isolated) is None


def test_a_set_up_that_was_killed_leaves_nothing_that_reads_as_done(
    isolated: Settings, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = script("go", "case $1 in env) echo go1.26.3;; *) exec /bin/sleep 30;; esac")
    tools = isolated.cache_dir / "tools"
    environment = {
        **os.environ,
        "PATH": str(go.parent),
        "INFRA_PROVIDER": "built",
        "INFRA_CACHE_DIR": str(isolated.cache_dir),
        "INFRA_ROOT": "/",
    }
    running = subprocess.Popen(
        [sys.executable, "-m", "infra_assets.sandbox.tools"], env=environment, cwd=Path(__file__).parents[3], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while not list(tools.glob(".building-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert list(tools.glob(".building-*"))
    built = isolated.model_copy(update={"provider": "built"})
    assert find(built) is None
    monkeypatch.setenv("PATH", str(script("go", "[ $1 = env ] && echo go1.26.3").parent))
    with pytest.raises(InfraError, match="cannot be downloaded"):
        get(built, ignore)
    assert not list(tools.glob(".building-*"))
