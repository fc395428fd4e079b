"""Fixtures of the programs' tests."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from tests.programs.recording import Refused, Run, record


@pytest.fixture
def run() -> Run:
    """Return `record`."""
    return record


@pytest.fixture
def refused() -> Refused:
    """Return a function that runs a project that gives up, and returns the message with which it did."""

    def refused(project: str, config: Mapping[str, str] | None = None, **more: Any) -> str:
        with pytest.raises(pulumi.RunError) as caught:
            record(project, config, **more)
        return str(caught.value)

    return refused
