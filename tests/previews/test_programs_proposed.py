"""Proposed programs: which commit would be deployed, and what it is compared with."""

import pytest

from infra_assets.errors import UsageError
from infra_assets.previews.programs import ProposedPrograms, proposed_programs
from tests.programs_repository.repositories import git
from tests.rollouts.house import House

NETWORK = "pulumi_programs/network/__main__.py"


@pytest.fixture
def main(house: House) -> str:
    """The name of the branch that is checked out."""
    return git(house.root, "symbolic-ref", "--short", "HEAD")


def commit(house: House, path: str, text: str) -> str:
    file = house.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    git(house.root, "add", path)
    git(house.root, "commit", "-q", "-m", f"Edit {path}")
    return house.head


def branch(house: House, name: str, path: str, text: str) -> str:
    """Make a branch with one edit, and go back."""
    git(house.root, "checkout", "-q", "-b", name)
    made = commit(house, path, text)
    git(house.root, "checkout", "-q", "-")
    return made


def proposed(house: House, ref: str, base: str | None = None) -> ProposedPrograms:
    return proposed_programs(house.fresh_planner(), ref, base)


def read(house: House, found: ProposedPrograms, path: str) -> str | None:
    file = house.planner.trees.path(found.commit) / path
    return file.read_text() if file.is_file() else None


def test_a_branch_a_tag_and_a_commit_are_what_they_name(house: House) -> None:
    made = branch(house, "topic", NETWORK, "# topic\n")
    git(house.root, "tag", "v1", made)
    git(house.root, "tag", "-a", "-m", "two", "v2", made)
    for ref in ("topic", "v1", "v2", made, made[:10], "topic~0"):
        found = proposed(house, ref)
        assert (found.commit, found.base) == (made, None)
        assert found.label == f"{ref} {made[:8]}, over what each TEP is deployed from"
    assert read(house, found, NETWORK) == "# topic\n"


def test_what_lies_on_disk_is_proposed_as_it_lies_there(house: House, main: str) -> None:
    (house.root / NETWORK).write_text("# not committed\n")
    found = proposed(house, ".")
    assert read(house, found, NETWORK) == "# not committed\n"
    assert found.label.startswith("what lies on disk ")
    assert proposed(house, ".", main).base == house.head


def test_a_branch_that_has_its_base_is_taken_as_it_is(house: House, main: str) -> None:
    base, made = house.head, branch(house, "topic", NETWORK, "# topic\n")
    found = proposed(house, "topic", main)
    assert (found.commit, found.base) == (made, base)
    assert found.label == f"topic {made[:8]}, over {main} {base[:8]}"


def test_a_branch_that_is_behind_is_shown_as_merged(house: House, main: str) -> None:
    made = branch(house, "topic", NETWORK, "# topic\n")
    base = house.program("queue", "# others\n")
    found = proposed(house, "topic", main)
    assert found.base == base
    assert found.label == f"topic {made[:8]} merged into {main} {base[:8]}"
    assert read(house, found, NETWORK) == "# topic\n"
    assert read(house, found, "pulumi_programs/queue/__main__.py") == "# others\n"
    assert proposed(house, "topic", main).commit == found.commit  # the same merge is the same commit


def test_a_conflict_in_the_programs_names_the_files(house: House, main: str) -> None:
    branch(house, "topic", NETWORK, "# topic\n")
    house.program("network", "# others\n")
    with pytest.raises(UsageError) as refused:
        proposed(house, "topic", main)
    assert refused.value.message == f"--programs topic conflicts with {main} in {NETWORK}"
    assert "Merge" in refused.value.remedy


def test_a_conflict_elsewhere_is_none_of_the_programs(house: House, main: str) -> None:
    commit(house, "README.md", "one\n")
    commit(house, "docs/a.md", "one\n")
    git(house.root, "checkout", "-q", "-b", "topic")
    commit(house, "README.md", "topic\n")
    commit(house, "docs/a.md", "topic\n")
    commit(house, NETWORK, "# topic\n")
    git(house.root, "checkout", "-q", main)
    commit(house, "README.md", "others\n")
    commit(house, "docs/a.md", "others\n")
    assert read(house, proposed(house, "topic", main), NETWORK) == "# topic\n"


def test_what_is_deleted_on_one_side_and_edited_on_the_other_conflicts(house: House, main: str) -> None:
    git(house.root, "checkout", "-q", "-b", "topic")
    git(house.root, "rm", "-q", NETWORK)
    git(house.root, "commit", "-q", "-m", "Without it")
    git(house.root, "checkout", "-q", main)
    house.program("network", "# others\n")
    with pytest.raises(UsageError, match=NETWORK):
        proposed(house, "topic", main)


@pytest.mark.parametrize("ref", ["topik", "HEAD:README.md", "", "v9", "0" * 40])
def test_a_name_of_nothing_is_refused_with_names_that_are_near(house: House, ref: str) -> None:
    branch(house, "topic", NETWORK, "# topic\n")
    with pytest.raises(UsageError) as refused:
        proposed(house, ref)
    assert refused.value.message == f"--programs {ref}: the programs' repository has no branch, tag or commit of that name"
    assert "topic" in refused.value.remedy


def test_a_base_of_nothing_is_refused_too(house: House) -> None:
    with pytest.raises(UsageError, match=r"--base nope: the programs' repository has no branch"):
        proposed(house, ".", "nope")
