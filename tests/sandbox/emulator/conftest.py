"""An emulator for the tests of a module."""

from collections.abc import Generator

import pytest

from infra_assets.sandbox import emulator
from infra_assets.sandbox.emulator import Emulator


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)
