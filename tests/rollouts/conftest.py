"""An installation for each test, copied from one that is made once."""

from pathlib import Path

import pytest

from tests.rollouts.house import Clock, House, build, copy


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("installation") / "root"
    root.mkdir()
    build(root)
    return root


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.set_into(monkeypatch)
    return made


@pytest.fixture
def house(template: Path, tmp_path: Path, clock: Clock) -> House:
    return House(copy(template, tmp_path / "root"), clock)
