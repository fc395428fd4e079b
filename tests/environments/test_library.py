"""What the evaluator loads from: one revision of each environment, until the library looks again."""

from pathlib import Path

import pytest

from infra_assets.environments.language.model import LoadError
from infra_assets.environments.library import Library
from infra_assets.environments.names import InvalidNameError
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError
from infra_assets.environments.sources.store import StoreSource
from infra_assets.fleet import database


class Lock:
    """Opens nothing."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        return ciphertext


@pytest.fixture
def store(tmp_path: Path) -> StoreSource:
    source = StoreSource(database.connect(f"sqlite:///{tmp_path / 'infra.db'}"))
    for definition in (b"values: {n: 1}\n", b"values: {n: 2}\n"):
        source.write("shared/app", definition)
    source.write("default/base", b"values: {}\n")
    source.set_tag("shared/app", "stable", "1")
    return source


def test_names_are_resolved_as_they_stand_in_imports(store: StoreSource) -> None:
    library = Library(store)
    loaded = {
        text: library.load(text)
        for text in ("shared/app", "shared/app@1", "shared/app@stable", "shared/app@latest", "base", "default/base")
    }
    assert {text: (document.name, document.revision) for text, document in loaded.items()} == {
        "shared/app": ("shared/app", "2"),
        "shared/app@1": ("shared/app", "1"),
        "shared/app@stable": ("shared/app", "1"),
        "shared/app@latest": ("shared/app", "2"),
        "base": ("default/base", "1"),
        "default/base": ("default/base", "1"),
    }
    assert loaded["shared/app@1"].source == b"values: {n: 1}\n"
    assert library.pinned == {"shared/app": "2", "default/base": "1"}


def test_what_is_wrong_with_a_name_is_said(store: StoreSource) -> None:
    library = Library(store)
    with pytest.raises(MissingEnvironmentError, match="no environment shared/nope"):
        library.load("shared/nope")
    with pytest.raises(MissingRevisionError, match="shared/app@7"):
        library.load("shared/app@7")
    with pytest.raises(MissingRevisionError, match="shared/app@nope"):
        library.load("shared/app@nope")
    with pytest.raises(InvalidNameError):
        library.load("../app")


def test_documents_get_the_decrypter(store: StoreSource) -> None:
    lock = Lock()
    assert Library(store, decrypter=lock).load("shared/app").decrypter is lock
    assert Library(store).load("shared/app").decrypter is None


def test_one_revision_is_seen_until_refresh(store: StoreSource) -> None:
    library = Library(store)
    library.refresh()
    before = (library.load("shared/app"), library.load("shared/app@stable"))
    store.write("shared/app", b"values: {n: 3}\n")
    store.set_tag("shared/app", "stable", "2")
    assert (library.load("shared/app"), library.load("shared/app@stable"), library.load("shared/app@latest")) == (*before, before[0])
    assert library.refresh() == {"shared/app"}
    assert (library.load("shared/app").revision, library.load("shared/app@stable").revision) == ("3", "2")
    assert library.refresh() == set()


def test_refresh_tells_what_was_added_changed_and_removed(store: StoreSource) -> None:
    library = Library(store)
    assert library.refresh() == set()
    store.write("shared/new", b"")
    store.write("shared/app", b"values: {n: 3}\n")
    store.delete("default/base")
    assert library.refresh() == {"shared/new", "shared/app", "default/base"}
    with pytest.raises(MissingEnvironmentError):
        library.load("base")


def test_refresh_tells_what_was_missing_and_is_there_now_without_having_looked_before(store: StoreSource) -> None:
    library = Library(store)
    library.load("shared/app")
    with pytest.raises(LoadError):
        library.load("shared/new")
    store.write("shared/new", b"")
    store.write("shared/app", b"values: {n: 3}\n")
    assert library.refresh() == {"shared/new", "shared/app"}


def test_a_tag_alone_that_moves_is_a_change(store: StoreSource) -> None:
    library = Library(store)
    library.load("shared/app@stable")
    assert library.refresh() == set()
    store.set_tag("shared/app", "stable", "2")
    assert library.refresh() == {"shared/app"}
    assert library.load("shared/app@stable").revision == "2"
    store.remove_tag("shared/app", "stable")
    assert library.refresh() == {"shared/app"}
    with pytest.raises(MissingRevisionError):
        library.load("shared/app@stable")


def test_an_edit_between_a_list_and_a_read_and_back_is_noticed(tmp_path: Path) -> None:
    source = FolderSource(tmp_path)
    source.write("shared/app", b"one")
    library = Library(source)
    library.refresh()
    source.write("shared/app", b"two")
    assert library.load("shared/app").source == b"two"
    source.write("shared/app", b"one")
    assert library.refresh() == {"shared/app"}
    assert library.load("shared/app").source == b"one"


def test_fixed_pins_hold_whatever_is_written(store: StoreSource) -> None:
    library = Library(store, pins={"shared/app": "1"})
    assert (library.load("shared/app").revision, library.load("base").revision) == ("1", "1")
    store.write("shared/app", b"values: {n: 3}\n")
    store.write("default/base", b"values: {n: 3}\n")
    assert library.refresh() == {"default/base"}
    assert (library.load("shared/app").revision, library.load("base").revision) == ("1", "2")
