"""Checks are tried on the same small installation as rollouts."""

import pytest

from infra_assets.previews import beginning, conductor, finishing, looking, store
from tests.rollouts.conftest import house, template
from tests.rollouts.house import Clock

__all__ = ["clock", "house", "template"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.set_into(monkeypatch)
    for module in (beginning, conductor, finishing, looking, store):
        monkeypatch.setattr(module, "now", made)
    return made
