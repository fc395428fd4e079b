"""What several folders of tests share."""

import sys
from pathlib import Path

import pytest

from infra_assets import settings
from infra_assets.sandbox.tools import Tools, get

ROOT = Path(__file__).parents[1]
ARTIFACTS = Path(__file__).parent / "artifacts"


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The engine and the provider, set up if they are not yet."""
    return get(settings.load(), lambda text: sys.stderr.write(f"{text}\n") and None)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """A folder for what a person may want to look at afterwards; git ignores it."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS
