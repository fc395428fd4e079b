"""The official evaluator for the tests of this folder, and what was compared with it, told at the end of the session."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import pytest

from infra_assets.errors import InfraError
from tests.environments.language.oracle import Built, Oracle, build


@dataclass
class Tally:
    """What was compared so far."""

    cases_compared: int = 0
    cases_equal: int = 0
    documents: int = 0
    differing: int = 0
    silent: int = 0
    missing: str = ""
    """Why nothing can be compared."""


TALLY = pytest.StashKey[Tally]()


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash.setdefault(TALLY, Tally())


def give_up(tally: Tally, error: InfraError) -> NoReturn:
    """Skip what cannot be compared, loudly; in CI it fails."""
    tally.missing = f"NOT COMPARED with the official evaluator: {error}"
    pytest.fail(tally.missing) if os.environ.get("CI") else pytest.skip(tally.missing)


@pytest.fixture(scope="session")
def built(tally: Tally) -> Built:
    """The official evaluator, built if it is not yet; without Go its tests are skipped, but in CI they fail."""
    try:
        return build()
    except InfraError as error:
        give_up(tally, error)


@pytest.fixture(scope="session")
def oracle(built: Built) -> Iterator[Oracle]:
    """The official evaluator, running."""
    running = Oracle(built.program)
    yield running
    running.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash.get(TALLY, Tally())
    if tally.missing:
        terminalreporter.write_line(f"ESC: {tally.missing}", yellow=True, bold=True)
    if tally.cases_compared:
        terminalreporter.write_line(f"ESC corpus: {tally.cases_equal}/{tally.cases_compared} cases equal")
    if tally.documents:
        told = f"ESC fuzz: {tally.documents} documents evaluated by both, {tally.differing} differences"
        terminalreporter.write_line(told + (f"; {tally.silent} more on which the official one gave no answer" if tally.silent else ""))
