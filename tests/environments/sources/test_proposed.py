"""What a branch does to the environments of a folder: its own changes alone, and merged with those of others."""

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import LATEST
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.merging import merge
from infra_assets.environments.sources.proposed import ProposedSource
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, SourceError, blob_id, without_tags
from infra_assets.environments.sources.refs import MissingRefError
from infra_assets.environments.sources.replaced import CONFLICT, Replaced
from tests.environments.sources.repositories import WHO, commit, on_branch, switch, write

LONG = "".join(f"a{number}: 1\n" for number in range(1, 10))


def values(*changes: tuple[str, str]) -> str:
    text = LONG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def house(tmp_path: Path) -> Path:
    write(tmp_path, {"shared/app": LONG, "shared/base": "values: {}\n", "tenants/acme-prod": "imports: [shared/app]\n"})
    commit(tmp_path, "start")
    return tmp_path


def live(house: Path) -> FolderSource:
    return FolderSource(house / "environments")


def replaced(house: Path, ref: str = "topic") -> Replaced:
    return Replaced(live(house), ProposedSource(house, ref))


def test_only_what_the_branch_has_changed_itself_is_its_change(house: Path) -> None:
    made = on_branch(house, "topic", {"shared/app": values(("a1: 1", "a1: 2")), "shared/new": "values: {}\n", "shared/base": None})
    write(house, {"tenants/acme-prod": "imports: [shared/app, shared/other]\n", "shared/other": "values: {}\n"})
    commit(house, "what others have merged meanwhile")
    proposed = ProposedSource(house, "topic")
    assert proposed.changed == {"shared/app": blob_id(values(("a1: 1", "a1: 2")).encode()), "shared/new": blob_id(b"values: {}\n")}
    assert proposed.deleted == {"shared/base"}
    assert proposed.commit == made
    assert proposed.label == f"topic {made[:8]}"
    source = replaced(house)
    assert source.list().keys() == {"shared/app", "shared/new", "shared/other", "tenants/acme-prod"}
    assert source.read("tenants/acme-prod").source == b"imports: [shared/app, shared/other]\n"
    assert source.read("shared/app").place == "topic:environments/shared/app.yaml"
    with pytest.raises(MissingEnvironmentError, match=r"no environment shared/base: topic [0-9a-f]{8} deletes it"):
        source.read("shared/base")


def test_a_branch_that_is_merged_already_changes_nothing(house: Path) -> None:
    made = on_branch(house, "topic", {"shared/app": "values: {}\n"})
    repository = pygit2.Repository(str(house))
    repository.references["refs/heads/main"].set_target(made)
    repository.checkout_head(strategy=pygit2.enums.CheckoutStrategy.FORCE)
    assert ProposedSource(house, "topic").names == frozenset()
    write(house, {"shared/base": "values: {x: 1}\n"})
    commit(house, "later")
    assert replaced(house).list() == live(house).list()


def test_the_same_change_on_both_sides_is_none(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": "values: {x: 1}\n", "shared/base": None})
    write(house, {"shared/app": "values: {x: 1}\n", "shared/base": None})
    commit(house, "squashed")
    source = replaced(house)
    assert source.list() == live(house).list()
    assert source.read("shared/app").place.endswith("environments/shared/app.yaml")
    assert source.problems() == []


def test_changes_of_both_sides_are_merged_line_by_line_as_git_merges_them(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": values(("a9: 1", "a9: theirs"))})
    write(house, {"shared/app": values(("a1: 1", "a1: ours"))})
    merged = values(("a1: 1", "a1: ours"), ("a9: 1", "a9: theirs")).encode()
    source = replaced(house)
    document = source.read("shared/app")
    assert (document.source, document.revision) == (merged, blob_id(merged))
    assert document.place == "topic+live:environments/shared/app.yaml"
    assert source.list()["shared/app"] == blob_id(merged)
    assert source.read("shared/app", blob_id(merged)) == document
    assert source.tag("shared/app", LATEST) == blob_id(merged)
    repository = pygit2.Repository(str(house))
    commit(house, "ours")
    index = repository.merge_commits(*(repository.references[f"refs/heads/{name}"].target for name in ("main", "topic")))
    assert str(index["environments/shared/app.yaml"].id) == blob_id(merged)


def test_nothing_is_written_into_the_persons_repository(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": values(("a9: 1", "a9: theirs"))})
    write(house, {"shared/app": values(("a1: 1", "a1: ours"))})
    before = sorted(str(path) for path in (house / ".git").rglob("*"))
    source = replaced(house)
    source.list()
    source.read("shared/app")
    assert sorted(str(path) for path in (house / ".git").rglob("*")) == before


def test_an_edit_that_comes_later_is_merged_too(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": values(("a9: 1", "a9: theirs"))})
    source = replaced(house)
    first = source.list()
    assert source.list() is first
    write(house, {"shared/app": values(("a1: 1", "a1: ours"))})
    assert source.list()["shared/app"] == source.read("shared/app").revision != first["shared/app"]


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        (values(("a1: 1", "a1: 2")), values(("a1: 1", "a1: 3")), "both changed the same lines"),
        (None, values(("a1: 1", "a1: 3")), "changed by the one and deleted by the other"),
        (values(("a1: 1", "a1: 2")), None, "changed by the one and deleted by the other"),
        ("nul: \0\n", values(("a1: 1", "a1: 3")), "both changed the same lines"),
    ],
)
def test_a_conflict_is_an_error_of_that_environment_alone(house: Path, theirs: str | None, ours: str | None, said: str) -> None:
    made = on_branch(house, "topic", {"shared/app": theirs, "shared/base": "values: {y: 1}\n"})
    start = str(pygit2.Repository(str(house)).head.target)
    write(house, {"shared/app": ours})
    source = replaced(house)
    assert source.list()["shared/app"] == CONFLICT
    sides = rf"a conflict between topic {made[:8]} and what is live \(HEAD {start[:8]}\)"
    with pytest.raises(SourceError, match=rf"environments/shared/app.yaml: {sides}: .*{said} since {start[:8]}") as refused:
        source.read("shared/app")
    assert not isinstance(refused.value, MissingEnvironmentError)
    assert source.problems() == [str(refused.value)]
    assert source.read("shared/base").source == b"values: {y: 1}\n"


def test_what_both_added_is_a_conflict(house: Path) -> None:
    on_branch(house, "topic", {"shared/new": "values: {x: 1}\n"})
    write(house, {"shared/new": "values: {x: 2}\n"})
    with pytest.raises(SourceError, match=r"it was added by both"):
        replaced(house).read("shared/new")


def test_a_branch_without_a_commit_in_common_counts_whole(house: Path) -> None:
    repository = pygit2.Repository(str(house))
    tree = repository.head.peel(pygit2.Commit).tree.id
    repository.create_commit("refs/heads/topic", WHO, WHO, "from elsewhere", tree, [])
    write(house, {"shared/app": "values: {}\n", "shared/other": "values: {}\n"})
    commit(house, "later")
    proposed = ProposedSource(house, "topic")
    assert proposed.since is None
    assert proposed.changed.keys() == {"shared/app", "shared/base", "tenants/acme-prod"}
    assert proposed.deleted == frozenset()
    source = replaced(house)
    assert source.read("shared/app").source == LONG.encode()
    assert "shared/other" in source.list()


def test_a_shallow_repository_does_not_pass_for_one_without_history(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": "values: {}\n"})
    write(house, {"shared/base": "values: {z: 1}\n"})
    made = commit(house, "later")
    topic = str(pygit2.Repository(str(house)).references["refs/heads/topic"].target)
    (house / ".git" / "shallow").write_text(f"{made}\n{topic}\n")
    with pytest.raises(SourceError, match=r"is shallow: where .* went apart is not in it\n.*fetch-depth: 0"):
        ProposedSource(house, "topic")


def test_a_base_is_what_a_checkout_of_the_branch_is_compared_with(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": "values: {}\n"})
    switch(house, "topic")
    assert ProposedSource(house, "topic").names == frozenset()
    assert ProposedSource(house, "HEAD", base="main").names == {"shared/app"}


@pytest.mark.parametrize(("wanted", "hint"), [("topik", "; did you mean topic?"), ("fix", "; did you mean origin/fix?"), ("zzz", "$")])
def test_a_ref_that_is_not_there_is_told_with_its_repository_and_what_may_be_meant(house: Path, wanted: str, hint: str) -> None:
    made = on_branch(house, "topic", {"shared/app": "values: {}\n"})
    pygit2.Repository(str(house)).references.create("refs/remotes/origin/fix", made)
    with pytest.raises(MissingRefError, match=f"{house}/? has no branch, tag or commit '{wanted}'{hint}".replace("?;", r"\?;")):
        ProposedSource(house, wanted)
    with pytest.raises(SourceError, match=r"is no git repository"):
        ProposedSource(house / "nowhere", "topic")


def test_what_is_no_environment_is_not_proposed_and_told_where_it_looks_like_one(house: Path) -> None:
    on_branch(house, "topic", {"shared/größe": "values: {}\n", "shared/.hidden": "", "deeper/x/y": "", "access": "shared: []\n"})
    proposed = ProposedSource(house, "topic")
    assert proposed.names == frozenset()
    assert [problem.partition(" ")[0] for problem in proposed.problems()] == ["topic:environments/shared/größe.yaml:"]
    assert proposed.access_changed()


def test_a_file_that_becomes_a_link_cannot_be_read(house: Path) -> None:
    switch(house, "topic")
    (house / "environments/shared/app.yaml").unlink()
    (house / "environments/shared/app.yaml").symlink_to("/etc/hostname")
    commit(house, "a link", "refs/heads/topic")
    switch(house, "main")
    source = replaced(house)
    assert source.list()["shared/app"] == CONFLICT
    with pytest.raises(SourceError, match=r"topic:environments/shared/app.yaml is not a file"):
        source.read("shared/app")


def test_older_revisions_are_those_of_both_sides_and_no_other_files(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": "values: {of: topic}\n", "shared/base": None})
    on_branch(house, "topic", {"shared/app": "values: {of: later}\n"})
    write(house, {"shared/app": "values: {of: main}\n"})
    commit(house, "main")
    source = replaced(house)
    for text in (LONG, "values: {of: main}\n", "values: {of: topic}\n"):
        assert source.read("shared/app", blob_id(text.encode())).source == text.encode()
    assert source.read("shared/base", blob_id(b"values: {}\n")).source == b"values: {}\n"
    with pytest.raises(MissingRevisionError):
        source.read("shared/app", blob_id(b"imports: [shared/app]\n"))


def test_a_folder_that_the_branch_brings_or_takes_away(house: Path) -> None:
    on_branch(house, "topic", {"shared/app": None, "shared/base": None, "tenants/acme-prod": None})
    assert ProposedSource(house, "topic").deleted == {"shared/app", "shared/base", "tenants/acme-prod"}
    assert ProposedSource(house, "main", base="topic").names == frozenset()
    assert ProposedSource(house, "topic", path="elsewhere").names == frozenset()
    (house / "more" / "shared").mkdir(parents=True)
    (house / "more" / "shared" / "app.yaml").write_text("values: {}\n")
    commit(house, "more")
    switch(house, "older", "topic")
    assert ProposedSource(house, "main", path="more").changed.keys() == {"shared/app"}


lines = st.lists(st.sampled_from(["a: 1", "b: ü", "", "  - c", "d: 'x'"]), max_size=12)


@given(ancestor=lines, ours=lines, theirs=lines, end=st.sampled_from(["\n", "\r\n"]))
def test_merging_follows_the_one_that_changed(ancestor: list[str], ours: list[str], theirs: list[str], end: str) -> None:
    base, one, other = (end.join(text).encode() for text in (ancestor, ours, theirs))
    assert merge(base, one, base) == one
    assert merge(base, base, other) == other
    assert merge(base, one, one) == one


def test_where_both_took_something_away_nothing_may_be_left() -> None:
    middle = "".join(f"{number}\n" for number in range(9)).encode()
    assert merge(b"a\n" + middle + b"b\n", middle + b"b\n", b"a\n" + middle) == middle
    assert merge(b"a\nb\n", b"", b"a\nb\n") == b""


@pytest.mark.parametrize("text", [b"a\0: 1\n", b"a\xff: 1\n"])
def test_what_is_no_text_is_not_merged(text: bytes) -> None:
    middle = b"b\n" * 9
    assert merge(text + middle, text + middle + b"c\n", b"x\n" + text + middle) is None


class Memory:
    """Environments in memory, with all their revisions."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def list(self) -> Mapping[str, str]:
        return {name: blob_id(text.encode()) for name, text in self._texts.items()}

    def read(self, name: str, revision: str | None = None) -> Document:
        if name not in self._texts or revision not in (None, self.list()[name]):
            raise MissingEnvironmentError(f"there is no environment {name}")
        return Document(name, self.list()[name], self._texts[name].encode())

    def tag(self, name: str, tag: str) -> str:
        return without_tags(self, name, tag, "memory")


class Given:
    """A proposal: new texts, and None for what it deletes."""

    label = "a proposal"

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self._texts = texts
        self.names = frozenset(texts)

    def after(self, name: str, live: Document | None) -> Document | None:
        text = self._texts[name]
        return Document(name, blob_id(text.encode()), text.encode()) if text is not None else None

    def at(self, name: str, revision: str) -> Document:
        raise MissingRevisionError(f"{name}@{revision}")


names = st.sampled_from([f"shared/{letter}" for letter in "abcdef"])
texts = st.sampled_from(["", "values: {}\n", "values: {x: 1}\n"])


@given(below=st.dictionaries(names, texts), proposal=st.dictionaries(names, st.none() | texts))
def test_what_is_not_in_a_proposal_is_exactly_as_below(below: dict[str, str], proposal: dict[str, str | None]) -> None:
    source, memory = Replaced(Memory(below), Given(proposal)), Memory(below)
    expected = {name: text for name, text in {**below, **proposal}.items() if text is not None}
    assert source.list() == {name: blob_id(text.encode()) for name, text in expected.items()}
    for name in below.keys() - proposal.keys():
        assert source.read(name) == memory.read(name)
        assert source.read(name, memory.list()[name]) == memory.read(name)
        assert source.tag(name, LATEST) == memory.tag(name, LATEST)
    for name in proposal:
        assert _text(source, name) == expected.get(name)


def _text(source: Replaced, name: str) -> str | None:
    try:
        return source.read(name).source.decode()
    except MissingEnvironmentError:
        return None
