"""Outputs of our own stacks."""

import pytest

from infra_assets.environments.language.model import Plain, ProviderError, Value
from infra_assets.environments.providers import BuiltinProviders, stack_references
from tests.environments.providers.asking import opened, values

INPUTS: dict[str, Plain] = {"stacks": {"net": {"stack": "network/acme-prod"}, "again": {"stack": "network/acme-prod"}}}


class Stacks:
    """The outputs of one stack."""

    def outputs(self, project: str, stack: str) -> Value:
        if (project, stack) != ("network", "acme-prod"):
            raise ProviderError(f"{project}/{stack} is not deployed")
        return Value({"vpcId": Value("vpc-1"), "password": Value("hidden", secret=True)})


def test_outputs_come_by_name_and_secrets_stay_secret():
    value = opened(BuiltinProviders(stacks=Stacks()).provider("pulumi-stacks"), INPUTS)
    assert value.plain() == {name: {"vpcId": "vpc-1", "password": "[secret]"} for name in ("net", "again")}


def test_a_stack_without_outputs_is_an_error():
    provider = BuiltinProviders(stacks=Stacks()).provider("pulumi-stacks")
    with pytest.raises(ProviderError, match="network/other is not deployed"):
        opened(provider, {"stacks": {"net": {"stack": "network/other"}}})


@pytest.mark.parametrize("name", ["network", "network/", "/acme-prod", "contoso/network/acme-prod"])
def test_a_name_that_is_none_of_a_stack(name: str):
    provider = BuiltinProviders(stacks=Stacks()).provider("pulumi-stacks")
    with pytest.raises(ProviderError, match=r"stacks\.net\.stack is not the name of a stack"):
        opened(provider, {"stacks": {"net": {"stack": name}}})


def test_without_stacks_it_says_so():
    with pytest.raises(ProviderError, match="outputs of stacks are not to be had here"):
        opened(BuiltinProviders().provider("pulumi-stacks"), INPUTS)


def test_the_planner_can_ask_which_stacks_are_read():
    assert stack_references(values(INPUTS)) == [("network", "acme-prod")]
    unknown = {"stacks": Value({"net": Value({"stack": Value("", unknown=True)})})}
    with pytest.raises(ProviderError, match=r"stacks\.net\.stack is unknown"):
        stack_references(unknown)
