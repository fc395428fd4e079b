"""One source over another, and documents that are made in memory."""

from pathlib import Path

import pytest

from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.overlay import Overlay
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, SourceError, blob_id
from infra_assets.environments.sources.register import FleetSource
from infra_assets.environments.sources.store import StoreSource
from infra_assets.fleet import database
from infra_assets.fleet.models import Ring, Tep


@pytest.fixture
def branch(tmp_path: Path) -> FolderSource:
    (tmp_path / "environments" / "shared").mkdir(parents=True)
    (tmp_path / "environments" / "shared" / "app.yaml").write_bytes(b"proposed")
    return FolderSource(tmp_path / "environments")


@pytest.fixture
def live(tmp_path: Path) -> StoreSource:
    store = StoreSource(database.connect(f"sqlite:///{tmp_path / 'infra.db'}"))
    for name, source in (("shared/app", b"first"), ("shared/app", b"live"), ("shared/base", b"base")):
        store.write(name, source)
    store.set_tag("shared/app", "stable", "1")
    return store


def test_what_is_above_is_seen_and_all_the_rest(branch: FolderSource, live: StoreSource) -> None:
    overlay = Overlay(branch, live)
    assert overlay.list() == {"shared/app": blob_id(b"proposed"), "shared/base": "1"}
    assert overlay.list() is overlay.list()
    assert (overlay.read("shared/app").source, overlay.read("shared/base").source) == (b"proposed", b"base")
    assert Overlay(live, branch).read("shared/app").source == b"live"


def test_revisions_and_tags_of_what_is_below_stay_reachable(branch: FolderSource, live: StoreSource) -> None:
    overlay = Overlay(branch, live)
    assert overlay.read("shared/app", "1").source == b"first"
    assert overlay.tag("shared/app", "stable") == "1"
    assert overlay.tag("shared/app", "latest") == blob_id(b"proposed")


def test_the_same_number_in_two_sources_is_that_of_the_one_that_is_seen(tmp_path: Path, live: StoreSource) -> None:
    above = StoreSource(database.connect(f"sqlite:///{tmp_path / 'above.db'}"))
    above.write("shared/base", b"was above once")
    above.delete("shared/base")
    overlay = Overlay(above, live)
    revision = overlay.list()["shared/base"]
    assert overlay.read("shared/base", revision).source == b"base"


def test_what_no_source_has_says_where_it_was_looked_for(branch: FolderSource, live: StoreSource) -> None:
    overlay = Overlay(branch, live)
    with pytest.raises(MissingEnvironmentError, match=r"no file .*nope.yaml; .* not in the database"):
        overlay.read("shared/nope")
    with pytest.raises(MissingRevisionError):
        overlay.read("shared/app", "9")
    with pytest.raises(MissingRevisionError, match=r"a folder has no tags .*; .* no such tag"):
        overlay.tag("shared/app", "nope")


def test_a_source_that_fails_does_not_let_what_is_below_shine_through(branch: FolderSource, live: StoreSource, tmp_path: Path) -> None:
    (tmp_path / "environments" / "shared" / "app.yaml").unlink()
    (tmp_path / "environments" / "shared" / "app.yaml").mkdir()
    with pytest.raises(SourceError, match="is not a file"):
        Overlay(branch, live).read("shared/app")


def test_a_change_goes_to_where_the_environment_is_and_a_new_one_on_top(branch: FolderSource, live: StoreSource) -> None:
    teps = [Tep("acme", "prod", Ring.BETA, "us-east-1", "111111111111", "x")]
    facts = FleetSource(lambda: teps, operations_account="123456789012")
    overlay = Overlay(facts, branch, live)
    overlay.write("shared/base", b"changed", expected="1")
    assert live.read("shared/base").source == b"changed"
    overlay.write("shared/new", b"new")
    assert branch.read("shared/new").source == b"new"
    with pytest.raises(SourceError, match="fleet/acme-prod cannot be written: it is read-only"):
        overlay.write("fleet/acme-prod", b"other")
    with pytest.raises(SourceError, match="all sources are read-only"):
        Overlay(facts).write("shared/new", b"")
