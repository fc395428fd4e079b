"""What `infra preview`, `infra drift` and `infra checks` refuse, before anything is looked at."""

import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from infra_assets import settings
from infra_assets.cli.main import run
from infra_assets.fleet.models import Ring, Tep
from tests.conftest import ROOT
from tests.end_to_end.house import House, Said

TEPS = [Tep("customer1", environment, Ring.BETA, "us-east-1", f"{number:012d}", "ext") for number, environment in
        enumerate(("dev", "stag", "prod"))]  # fmt: skip
HERE = "environments"
NOTHING = dict.fromkeys(("GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "GITHUB_TOKEN", "GITHUB_API_URL"), "")
Infra = Callable[..., Said]


@pytest.fixture
def house(tmp_path: Path) -> House:
    built = House(ROOT, tmp_path / "home")
    built.registry.save(TEPS)
    return built


@pytest.fixture
def infra(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Generator[Infra]:
    """The command, in this process: each of many that are refused at once would cost a process' start."""

    def call(*arguments: str, **variables: str) -> Said:
        for name, value in {**house.variables, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", ["infra", *arguments])
        settings.load.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
        out, err = capsys.readouterr()
        return Said(ended.value.code, out, err)  # type: ignore[arg-type]

    yield call
    settings.load.cache_clear()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("preview", "nothing is proposed"),
        ("preview --base main", "nothing is proposed"),
        ("preview --environments no-such-branch", "no-such-branch"),
        (
            "preview --programs no-such-branch",
            "--programs no-such-branch: the programs' repository has no branch, tag or commit of that name",
        ),
        ("preview --programs . --base no-such-branch", "--base no-such-branch: the programs' repository has no branch"),
        (f"preview --environments ./{HERE} --fleet fleet.yaml", "--fleet is for --static"),
        (f"preview --environments ./{HERE} --fail-on replace,destroy", "--fail-on destroy: unknown"),
        (f"preview --environments ./{HERE} --fail-on none,error", "none stands alone"),
        (f"preview --environments ./{HERE} --static --tep nobody-prod", "--tep nobody-prod: matches nothing"),
        (f"preview --environments ./{HERE} --static --project netwrok", "--project netwrok: matches nothing"),
        (f"preview --environments ./{HERE} --format xml", "'xml' is not one of"),
        ("drift --last", "no check 'last'"),
        ("drift stag prod", "environments are compared with --parity"),
        ("drift --parity dev stag prod", "--parity"),
        ("drift --parity stag prod --format csv", "--parity has no CSV"),
        ("drift --tep nobody-prod", "--tep nobody-prod: matches nothing"),
        ("checks show 2026", "no check '2026'"),
        ("checks stop last", "no check 'last'"),
        ("checks list --format csv", "--format csv: this has no CSV"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_exit_code_2_and_nothing_on_stdout(infra: Infra, arguments: str, said: str) -> None:
    found = infra(*arguments.split())
    assert (found.code, found.out) == (2, ""), found.err
    assert said in " ".join(found.err.split())
    assert "Traceback" not in found.err


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "GITHUB_REPOSITORY '': no repository"),
        ({"GITHUB_REPOSITORY": "acme/infra"}, "which pull request?"),
        ({"GITHUB_REPOSITORY": "acme/infra", "GITHUB_EVENT_PATH": "/nowhere"}, "GITHUB_EVENT_PATH /nowhere: cannot be read"),
    ],
)
def test_a_comment_without_what_it_needs_is_refused_before_anything_is_looked_at(
    infra: Infra, variables: dict[str, str], said: str
) -> None:
    found = infra("preview", "--programs", ".", "--comment", **NOTHING | variables)
    assert (found.code, found.out) == (2, "")
    assert said in found.err


def test_a_comment_without_a_token_says_how_a_workflow_gives_it(infra: Infra) -> None:
    found = infra("preview", "--programs", ".", "--comment", "--pull-request", "1", **NOTHING | {"GITHUB_REPOSITORY": "acme/infra"})
    assert found.code == 2
    assert "GITHUB_TOKEN is not set" in found.err
    assert "github.token" in found.err


def test_a_static_plan_of_a_fleets_file_needs_no_register(infra: Infra, house: House, tmp_path: Path) -> None:
    proposal = tmp_path / "proposal" / "tenants"
    proposal.mkdir(parents=True)
    text = (house.environments / "tenants" / "customer1-prod.yaml").read_text()
    (proposal / "customer1-prod.yaml").write_text(text.replace("desired: 2", "desired: 3"))
    found = infra("preview", "--environments", f"{proposal.parent}/", "--static", "--fleet", "fleet.yaml", "--format", "json")
    assert found.code == 3, found.err
    touched = {f"{cell['project']}/{cell['tep']}": cell for cell in found.json["cells"] if cell["verdict"] != "unchanged"}
    assert set(touched) == {"cluster/customer1-prod"}
    assert touched["cluster/customer1-prod"]["cause"].startswith("configuration: cluster:desired 2 → 3 (tenants/customer1-prod")
    assert len({cell["tep"] for cell in found.json["cells"]}) == 7
    passed = infra("preview", "--environments", f"{proposal.parent}/", "--static", "--fleet", "fleet.yaml", "--fail-on", "delete")
    assert passed.code == 0, passed.err


def test_without_a_check_there_is_an_empty_list(infra: Infra) -> None:
    assert infra("checks", "list", "--format", "json").json == []
