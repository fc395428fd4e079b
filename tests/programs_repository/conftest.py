"""A developer's repository and a mirror of it."""

from pathlib import Path

import pytest

from infra_assets.programs.mirror import Mirror
from tests.programs_repository.repositories import Repository, mirror_of


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "upstream")


@pytest.fixture
def mirror(upstream: Repository, tmp_path: Path) -> Mirror:
    return mirror_of(upstream.folder, tmp_path / "home" / "programs")
