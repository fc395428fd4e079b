"""An emulated AWS for the providers, reached through the project's own door."""

from collections.abc import Generator

import pytest

from infra_assets.environments.providers import BuiltinProviders
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import SANDBOX_KEY, Aws
from infra_assets.sandbox.emulator import Emulator


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture(scope="package")
def aws(running: Emulator) -> Aws:
    return Aws(emulator.environment(running) | {"AWS_ACCESS_KEY_ID": SANDBOX_KEY, "AWS_SECRET_ACCESS_KEY": SANDBOX_KEY})


@pytest.fixture
def providers(aws: Aws) -> BuiltinProviders:
    return BuiltinProviders(aws)


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Generator[None]:
    yield
    if "running" in request.fixturenames:
        emulator.clear_faults(request.getfixturevalue("running"))
