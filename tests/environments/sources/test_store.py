"""Environments in the database: revisions, tags, and two who write at once."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.environments.names import InvalidNameError
from infra_assets.environments.sources.protocol import (
    MAX_BYTES,
    NEW,
    ConflictError,
    MissingEnvironmentError,
    MissingRevisionError,
    SourceError,
)
from infra_assets.environments.sources.store import StoreSource
from infra_assets.fleet import database


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return database.connect(f"sqlite:///{tmp_path / 'infra.db'}")


@pytest.fixture
def store(engine: Engine) -> StoreSource:
    return StoreSource(engine)


def test_each_write_is_a_revision_and_all_stay_readable(store: StoreSource) -> None:
    assert [store.write("shared/app", b"values: {n: %d}\n" % n, author="joe") for n in (1, 2)] == ["1", "2"]
    assert store.list() == {"shared/app": "2"}
    assert store.read("shared/app").source == b"values: {n: 2}\n"
    assert store.read("shared/app", "1").source == b"values: {n: 1}\n"
    assert store.read("shared/app").place == "database: shared/app@2"
    assert [(each.revision, each.author, each.deleted) for each in store.history("shared/app")] == [
        ("2", "joe", False),
        ("1", "joe", False),
    ]
    assert store.history("shared/app")[0].created_at >= store.history("shared/app")[1].created_at


def test_the_same_definition_again_is_no_revision(store: StoreSource) -> None:
    assert store.write("shared/app", b"values: {}\n") == store.write("shared/app", b"values: {}\n") == "1"


def test_an_unchanged_list_is_the_same_object(store: StoreSource) -> None:
    store.write("shared/app", b"")
    assert store.list() is store.list()


def test_a_change_that_rests_on_something_else_is_refused(store: StoreSource) -> None:
    assert store.write("shared/app", b"1", expected=NEW) == "1"
    assert store.write("shared/app", b"2", expected="1") == "2"
    with pytest.raises(ConflictError, match=r"based on revision 1, and it is at revision 2"):
        store.write("shared/app", b"3", expected="1")
    with pytest.raises(ConflictError, match=r"shared/app exists already, at revision 2"):
        store.write("shared/app", b"3", expected=NEW)
    assert store.read("shared/app").source == b"2"


def test_of_two_who_write_on_the_same_revision_one_is_told(engine: Engine, store: StoreSource) -> None:
    store.write("shared/app", b"0")
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def write(number: int) -> None:
        start.wait()
        try:
            StoreSource(engine).write("shared/app", b"%d" % number, expected="1")
            outcomes.append("written")
        except ConflictError:
            outcomes.append("told")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["told", "told", "told", "written"]
    assert store.list() == {"shared/app": "2"}


def test_a_deleted_environment_is_gone_keeps_its_revisions_and_counts_on(store: StoreSource) -> None:
    store.write("shared/app", b"1")
    store.set_tag("shared/app", "stable", "1")
    store.delete("shared/app", author="ann")
    assert store.list() == {}
    with pytest.raises(MissingEnvironmentError, match=r"no environment shared/app: it was deleted from the database sqlite"):
        store.read("shared/app")
    with pytest.raises(MissingRevisionError):
        store.read("shared/app", "2")
    with pytest.raises(MissingRevisionError):
        store.tag("shared/app", "stable")
    with pytest.raises(MissingEnvironmentError):
        store.delete("shared/app")
    assert store.read("shared/app", "1").source == b"1"
    assert store.write("shared/app", b"3", expected=NEW) == "3"
    assert [(each.revision, each.deleted) for each in store.history("shared/app")] == [("3", False), ("2", True), ("1", False)]


def test_tags_are_set_moved_and_removed(store: StoreSource) -> None:
    for n in (1, 2):
        store.write("shared/app", b"%d" % n)
    store.set_tag("shared/app", "stable", "1")
    assert (store.tag("shared/app", "stable"), store.tag("shared/app", "latest")) == ("1", "2")
    store.set_tag("shared/app", "stable", "2")
    assert store.tag("shared/app", "stable") == "2"
    assert [each.tags for each in store.history("shared/app")] == [("stable",), ()]
    store.remove_tag("shared/app", "stable")
    for ask in (store.tag, store.remove_tag):
        with pytest.raises(MissingRevisionError, match=r"shared/app@stable: the database sqlite.* has no such tag"):
            ask("shared/app", "stable")
    with pytest.raises(MissingRevisionError):
        store.set_tag("shared/app", "stable", "9")
    for tag in ("latest", "1x"):
        with pytest.raises(SourceError, match=r"begins with no digit"):
            store.set_tag("shared/app", tag, "1")
    with pytest.raises(InvalidNameError):
        store.set_tag("shared/app", "a b", "1")


@pytest.mark.parametrize("revision", ["0", "7", "-1", "x", "1 ", "9" * 30, "f" * 40])
def test_revisions_that_are_not_there(store: StoreSource, revision: str) -> None:
    store.write("shared/app", b"1")
    with pytest.raises(MissingRevisionError, match=r"shared/app@"):
        store.read("shared/app", revision)


def test_what_cannot_be_stored_is_refused(store: StoreSource) -> None:
    with pytest.raises(SourceError, match=f"shared/app has {MAX_BYTES + 1} bytes; an environment has at most {MAX_BYTES}"):
        store.write("shared/app", b"#" * (MAX_BYTES + 1))
    with pytest.raises(InvalidNameError):
        store.write("../app", b"")
    assert store.list() == {}


def test_a_database_that_fails_is_said_without_what_was_written(engine: Engine, store: StoreSource) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE environment_revisions"))
    with pytest.raises(SourceError, match=r"environments in the database sqlite:.*: no such table") as failed:
        store.write("shared/app", b"values: {p: {fn::secret: hunter2}}\n")
    assert "hunter2" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_many_that_are_read_one_after_the_other_cost_few_queries_and_a_write_is_seen(store: StoreSource, engine: Engine) -> None:
    names = [f"shared/number{number}" for number in range(200)]
    for name in names:
        store.write(name, f"values: {{name: {name}}}\n".encode())
    store.delete("shared/number7")
    queries: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: queries.append(str(arguments[2])))
    for name in names:
        if name != "shared/number7":
            assert store.read(name).source == f"values: {{name: {name}}}\n".encode()
    assert len(queries) < 100
    with pytest.raises(MissingEnvironmentError, match="it was deleted from"):
        store.read("shared/number7")
    with pytest.raises(MissingEnvironmentError, match="it is not in"):
        store.read("shared/unknown")
    store.write(names[0], b"values: {}\n")
    assert store.read(names[0]).revision == "2"
    assert store.read(names[0], "1").source != b"values: {}\n"
    StoreSource(engine).write(names[1], b"values: {}\n")
    assert store.list()[names[1]] == "2"
    assert store.read(names[1]).revision == "2"
