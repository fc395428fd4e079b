"""What the settings open, and for whom."""

from pathlib import Path
from typing import Any

import pytest

from infra_assets.environments.language.model import ExecutionContext, ProviderError, Value, value_of
from infra_assets.environments.opening import open_source, providers, rules
from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.settings import Settings
from tests.end_to_end.house import House

ACME = Tep("acme", "prod", Ring.BETA, "us-east-1", "111111111111", "ext-1")


class Stacks:
    def outputs(self, project: str, stack: str) -> Value:
        return value_of({"of": f"{project}/{stack}"})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return House(Path(__file__).parents[2], tmp_path / "home").settings


def opened(settings: Settings, provider: str, root: str, inputs: dict[str, Any]) -> Value:
    teps = [ACME]
    given = {name: value_of(value) for name, value in inputs.items()}
    return providers(settings, lambda: teps, Stacks()).provider(provider).open(given, ExecutionContext(root, root))


@pytest.mark.parametrize(
    ("root", "account", "said"),
    [
        ("tenants/acme-prod", "222222222222", "tenants/acme-prod may not assume arn:aws:iam::222222222222:role/any"),
        ("tenants/other-prod", "111111111111", "tenants/other-prod may not assume"),
        ("shared/app", "111111111111", "shared/app may not assume"),
        # These get as far as AWS, which does not run here.
        ("tenants/acme-prod", "111111111111", "the sandbox is not running"),
        ("global/operations", "222222222222", "the sandbox is not running"),
    ],
)
def test_a_teps_environment_may_enter_its_own_account_alone(settings: Settings, root: str, account: str, said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        opened(settings, "aws-login", root, {"assumeRole": {"roleArn": f"arn:aws:iam::{account}:role/any"}})


def test_a_teps_environment_may_read_its_own_stacks_alone(settings: Settings) -> None:
    def read(root: str, stack: str) -> Any:
        return opened(settings, "pulumi-stacks", root, {"stacks": {"it": {"stack": stack}}}).plain()["it"]["of"]

    assert read("tenants/acme-prod", "network/acme-prod") == "network/acme-prod"
    assert read("global/operations", "network/acme-prod") == "network/acme-prod"
    for root in ("tenants/other-prod", "shared/app"):
        with pytest.raises(ProviderError, match=f"{root} may not read stack network/acme-prod"):
            read(root, "network/acme-prod")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "names no source"),
        ("store,nowhere", "nowhere is no folder"),
        ("git:.", "a ref is missing"),
        ("git:.#no-such-ref", "has no branch, tag or commit 'no-such-ref'"),
        ("git:/nowhere#main", "is no git repository"),
        ("pulumi:acme", "need a token"),
    ],
)
def test_a_source_that_is_none_is_told_by_its_setting(settings: Settings, given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_source(settings.model_copy(update={"environments": given}))


def test_rules_of_access_come_from_the_setting_or_from_beside_the_environments(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("tenants: [shared/*]\n")
    assert set(rules(settings, list).rules) == {"tenants", "shared", "ring", "global", "fleet"}
    assert dict(rules(settings.model_copy(update={"environments_access": file}), list).rules) == {"tenants": ["shared/*"]}
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        rules(settings.model_copy(update={"environments_access": tmp_path / "nowhere.yaml"}), list)
