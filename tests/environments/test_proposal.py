"""What a person calls a proposal, and what is compared with what for it."""

from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from pydantic import SecretStr

from infra_assets.environments.opening import open_resolver, sources
from infra_assets.environments.proposal import hidden, open_proposal
from infra_assets.environments.sources.narrowing import Nothing
from infra_assets.environments.sources.protocol import SourceError, WritableSource, blob_id
from infra_assets.environments.sources.referrers import Referrers
from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.settings import Settings
from tests.environments.sources import cloud_server
from tests.environments.sources.cloud_server import ORGANIZATION, TOKEN, Cloud, Draft
from tests.environments.sources.repositories import commit, on_branch, switch, write

APP = "values: {size: 1}\n"
NEW = "values: {size: 2}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "house"
    write(folder, {"shared/app": APP, "shared/base": "values: {}\n", "tenants/acme-prod": "imports: [shared/app]\n"})
    (folder / "environments" / "access.yaml").write_text("shared: [shared/*]\n")
    commit(folder, "start")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_server.serve() as served:
        served.put("shared/app", APP)
        served.put("tenants/acme-prod", "imports: [shared/app]\n")
        served.drafts["12"] = Draft("shared/app", NEW)
        served.referrers["shared/app"] = {"latest": [{"environment": {"project": "tenants", "name": "acme-prod", "revision": 1}}]}
        yield served


def settings(root: Path, environments: str = "environments", **more: object) -> Settings:
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    given = {
        "root": root, "home": home, "cache_dir": home, "targets": root / "targets.yaml", "state_backend": home.as_uri(),
        "database_url": f"sqlite:///{home / 'infra.db'}", "environments": environments, **more,
    }  # fmt: skip
    return Settings.model_validate(given)


def with_cloud(root: Path, cloud: Cloud, before: str = "") -> Settings:
    return settings(root, f"{before}pulumi:{ORGANIZATION}@{cloud.url}", pulumi_access_token=SecretStr(TOKEN))


def put(settings: Settings, name: str, text: str) -> None:
    store: WritableSource = sources(settings)["store"]  # pyright: ignore[reportAssignmentType]
    store.write(name, text.encode())


def test_a_branch_is_laid_over_the_live_folder(root: Path) -> None:
    made = on_branch(root, "topic", {"shared/app": NEW, "shared/base": None, "shared/new": "values: {}\n"})
    write(root, {"tenants/acme-prod": "imports: [shared/app] # not committed\n"})
    proposal = open_proposal(settings(root), "topic")
    assert proposal.label == f"topic {made[:8]}"
    assert proposal.changed == {"shared/app", "shared/base", "shared/new"}
    assert proposal.live.read("shared/app").source == APP.encode()
    assert proposal.source.read("shared/app").source == NEW.encode()
    assert proposal.source.read("tenants/acme-prod") == proposal.live.read("tenants/acme-prod")
    assert proposal.source.read("tenants/acme-prod").source.endswith(b"# not committed\n")
    assert proposal.notes == []
    assert isinstance(proposal.narrowing, Nothing)


def test_what_the_database_has_hides_the_branchs_change_and_is_told(root: Path) -> None:
    on_branch(root, "topic", {"shared/app": NEW, "fleet/acme-prod": "values: {}\n"})
    given = settings(root, "store,environments")
    put(given, "shared/app", "values: {of: database}\n")
    proposal = open_proposal(given, "topic")
    assert proposal.changed == frozenset()
    assert list(proposal.notes) == [
        "without effect, for store has them and comes before environments: shared/app",
        "without effect, for they are written from the fleet's register: fleet/acme-prod",
    ]
    assert proposal.source.read("shared/app").source == b"values: {of: database}\n"
    assert hidden([sources(given)["store"]], ["shared/base", "shared/app"]) == ["shared/app"]


def test_a_deletion_brings_out_what_a_later_source_has(root: Path) -> None:
    (root / "more" / "shared").mkdir(parents=True)
    (root / "more" / "shared" / "base.yaml").write_text("values: {of: more}\n")
    commit(root, "more")
    on_branch(root, "topic", {"shared/base": None})
    proposal = open_proposal(settings(root, "environments,more"), "topic")
    assert proposal.changed == {"shared/base"}
    assert proposal.source.read("shared/base").source == b"values: {of: more}\n"


def test_a_conflict_differs_and_stops_what_imports_it_alone(root: Path) -> None:
    on_branch(root, "topic", {"shared/app": NEW, "shared/base": "values: {x: 1}\n"})
    write(root, {"shared/app": "values: {size: 3}\n"})
    proposal = open_proposal(settings(root), "topic")
    assert proposal.changed == {"shared/app", "shared/base"}
    with pytest.raises(SourceError, match=r"a conflict between topic"):
        proposal.source.read("shared/app")
    assert proposal.source.read("shared/base").source == b"values: {x: 1}\n"


def test_a_checkout_of_the_branch_is_compared_with_a_base(root: Path) -> None:
    on_branch(root, "topic", {"shared/app": NEW})
    write(root, {"shared/base": "values: {others: 1}\n"})
    commit(root, "others")
    switch(root, "topic")
    alone = open_proposal(settings(root), "topic")
    assert alone.changed == frozenset()
    assert "changes no environment in environments that is not there already" in alone.notes[0]
    proposal = open_proposal(settings(root), "HEAD", base="main")
    assert proposal.changed == {"shared/app"}
    assert proposal.live.read("shared/base").source == proposal.source.read("shared/base").source == b"values: {others: 1}\n"
    assert proposal.label.startswith("HEAD ")
    for wrong in ("nope", "main:environments"):
        with pytest.raises(UsageError, match=r"has no branch, tag or commit"):
            open_proposal(settings(root), "HEAD", base=wrong)


def test_a_commit_among_the_sources_takes_a_branch_too(root: Path) -> None:
    on_branch(root, "topic", {"shared/app": NEW})
    write(root, {"shared/base": "values: {others: 1}\n"})
    commit(root, "others")
    write(root, {"shared/base": "values: {on: disk}\n"})
    proposal = open_proposal(settings(root, "git:.#main"), "topic")
    assert proposal.changed == {"shared/app"}
    assert proposal.source.read("shared/base").source == b"values: {others: 1}\n"
    compared = open_proposal(settings(root, "git:.#topic"), "topic", base="main")
    assert compared.changed == {"shared/app"}


def test_other_rules_of_access_are_told(root: Path) -> None:
    on_branch(root, "topic", {"access": "shared: []\n"})
    assert any("changes access.yaml" in note and "the live ones hold" in note for note in open_proposal(settings(root), "topic").notes)
    assert any("those of the checkout" in note for note in open_proposal(settings(root), "topic", base="main").notes)


def test_a_branch_without_a_commit_in_common_is_told(root: Path) -> None:
    repository = pygit2.Repository(str(root))
    tree = repository.head.peel(pygit2.Commit).tree.id
    author = repository.head.peel(pygit2.Commit).author
    repository.create_commit("refs/heads/topic", author, author, "from elsewhere", tree, [])
    assert "no commit in common" in open_proposal(settings(root), "topic").notes[0]


@pytest.mark.parametrize("text", ["proposals", "proposals/", "./proposals", "absolute"])
def test_a_folder_is_laid_over_everything(root: Path, text: str) -> None:
    folder = root / "proposals"
    (folder / "shared").mkdir(parents=True)
    (folder / "shared" / "app.yaml").write_text(NEW)
    (folder / "shared" / "base.yaml").write_text("values: {}\n")
    given = settings(root, "store,environments")
    put(given, "shared/app", "values: {of: database}\n")
    put(given, "shared/base", "values: {}\n")
    proposal = open_proposal(given, str(folder) if text == "absolute" else text)
    assert proposal.label == "folder proposals/"
    assert proposal.changed == {"shared/app"}, "what has another revision, and the same text, is not changed"
    assert proposal.source.read("shared/app").source == NEW.encode()
    assert proposal.source.read("shared/app").place == "proposals/shared/app.yaml"
    assert proposal.source.list().keys() == proposal.live.list().keys()
    assert proposal.notes == []


def test_what_is_odd_about_a_folder_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "proposals" / "fleet").mkdir(parents=True)
    (root / "proposals" / "fleet" / "acme-prod.yaml").write_text(APP)
    (root / "proposals" / "lost.yaml").write_text(APP)
    (root / "proposals" / "access.yaml").write_text("shared: []\n")
    notes = "\n".join(open_proposal(settings(root), "proposals").notes)
    assert "lost.yaml: an environment stands in its project's folder" in notes
    assert "fleet/acme-prod" in notes
    assert "proposals/access.yaml differs from the rules of access" in notes
    assert "is itself among the sources" in open_proposal(settings(root), "environments").notes[0]
    monkeypatch.chdir(root / "proposals")
    assert open_proposal(settings(root), "proposals").label == "folder proposals/", "below the root too"


def test_a_name_of_both_is_the_branch(root: Path) -> None:
    (root / "topic" / "shared").mkdir(parents=True)
    (root / "topic" / "shared" / "app.yaml").write_text("values: {of: folder}\n")
    commit(root, "a folder")
    on_branch(root, "topic", {"shared/app": NEW})
    branch = open_proposal(settings(root), "topic")
    assert branch.source.read("shared/app").source == NEW.encode()
    assert branch.notes[0] == "topic is a branch and a folder: the branch was taken; the folder is ./topic"
    for text in ("./topic", "topic/"):
        assert open_proposal(settings(root), text).source.read("shared/app").source == b"values: {of: folder}\n"


@pytest.mark.parametrize(
    ("environments", "text", "base", "said"),
    [
        ("environments", "topik", None, r"has no branch, tag or commit 'topik'; did you mean topic\?\n"),
        ("environments", "", None, r"has no branch, tag or commit ''"),
        ("store", "topic", None, r"INFRA_ENVIRONMENTS=store has none in a git repository\nName a folder"),
        ("environments", "environments", "main", r"--base main: a folder has no base"),
        ("environments", "draft:shared/app@12", None, r"INFRA_ENVIRONMENTS=environments has no pulumi:ORGANIZATION"),
        ("environments", "draft:shared/app@12", "main", r"--base main: a draft has no base"),
        ("pulumi:acme-corp", "draft:shared/app@12", None, r"need a token"),
    ],
)
def test_what_is_no_proposal_is_a_usage_error(root: Path, environments: str, text: str, base: str | None, said: str) -> None:
    on_branch(root, "topic", {"shared/app": NEW})
    with pytest.raises(UsageError, match=said):
        open_proposal(settings(root, environments), text, base=base)


def test_a_draft_takes_its_environments_place(root: Path, cloud: Cloud) -> None:
    proposal = open_proposal(with_cloud(root, cloud), "draft:shared/app@12")
    assert proposal.label == "draft shared/app@12"
    assert proposal.changed == {"shared/app"}
    assert proposal.source.read("shared/app").revision == blob_id(NEW.encode())
    assert proposal.live.read("shared/app").revision == "1"
    assert proposal.notes == []
    assert isinstance(proposal.narrowing, Referrers)
    assert proposal.narrowing.closure(proposal.changed) == {"shared/app", "tenants/acme-prod"}


def test_a_draft_that_changes_nothing_or_is_behind(root: Path, cloud: Cloud) -> None:
    cloud.drafts["12"].source = APP
    assert open_proposal(with_cloud(root, cloud), "draft:shared/app@12").changed == frozenset()
    cloud.edit("shared/app", "values: {}\n")
    assert "rests on revision 1, and revision 2 is live" in open_proposal(with_cloud(root, cloud), "draft:shared/app@12").notes[0]


def test_without_an_id_the_newest_open_draft_is_taken(root: Path, cloud: Cloud) -> None:
    given = with_cloud(root, cloud)
    cloud.drafts["13"] = Draft("shared/app", "values: {size: 3}\n", created="2026-10-02T00:00:00Z")
    proposal = open_proposal(given, "draft:shared/app")
    assert proposal.label == "draft shared/app@13"
    assert proposal.notes == ["shared/app has 2 open drafts, of which 13 is the newest; also 12"]
    with pytest.raises(UsageError, match=r"there is no open draft of it in acme-corp on 127.0.0.1\nIts form is"):
        open_proposal(given, "draft:tenants/acme-prod")
    with pytest.raises(UsageError, match=r"there is no draft 14 of environment shared/app"):
        open_proposal(given, "draft:shared/app@14")
    cloud.old = True
    with pytest.raises(UsageError, match=r"does not tell which drafts there are\nIts form is draft:PROJECT/ENVIRONMENT@ID"):
        open_proposal(given, "draft:shared/app")


def test_pulumi_cloud_narrows_only_where_it_has_all_environments(root: Path, cloud: Cloud) -> None:
    empty = with_cloud(root, cloud, "store,")
    assert isinstance(open_proposal(empty, "draft:shared/app@12").narrowing, Referrers)
    put(empty, "tenants/other-prod", "imports: [shared/app]\n")
    assert isinstance(open_proposal(empty, "draft:shared/app@12").narrowing, Nothing)
    put(empty, "shared/app", "values: {of: database}\n")
    hidden_one = open_proposal(empty, "draft:shared/app@12")
    assert hidden_one.changed == frozenset()
    assert "without effect, for store has them" in hidden_one.notes[0]


def test_the_organizations_whole_list_is_not_asked_for_a_draft(root: Path, cloud: Cloud) -> None:
    cloud.asked()
    open_proposal(with_cloud(root, cloud), "draft:shared/app@12")
    assert not [asked for asked in cloud.asked() if asked == f"GET {ORGANIZATION}"]


def test_a_resolver_sees_both_sides_and_a_conflict_concerns_who_imports_it(root: Path) -> None:
    write(root, {"tenants/other-prod": "imports: [shared/base]\nvalues: {pulumiConfig: {}}\n"})
    (root / "environments" / "access.yaml").unlink()
    commit(root, "two")
    on_branch(root, "topic", {"shared/app": NEW, "shared/base": "values: {pulumiConfig: {cluster:desired: 3}}\n"})
    write(root, {"shared/app": "values: {size: 3}\n"})
    teps = [Tep(tenant, "prod", Ring.BETA, "us-east-1", "111111111111", "ext-1") for tenant in ("acme", "other")]
    proposal = open_proposal(settings(root), "topic")
    before, after = (open_resolver(settings(root), lambda: teps, source=side) for side in (proposal.live, proposal.source))
    assert [before.resolve(tep, ()).problems for tep in teps] == [[], []]
    problems = [after.resolve(tep, ()).problems for tep in teps]
    assert "a conflict between topic" in str(problems[0][0])
    assert problems[1] == []
    assert after.evaluate(teps[1]).properties["pulumiConfig"].plain() == {"cluster:desired": 3}
