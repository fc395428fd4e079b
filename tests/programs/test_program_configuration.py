"""What a person reads whose stack is configured wrongly."""

import pytest
from pydantic import Field, Json

from pulumi_programs.components.configuration import Configuration, SensitiveText, load
from tests.programs.recording import Refused, Run


def test_a_missing_key_is_named_with_file_and_stack_and_an_example(refused: Refused) -> None:
    message = refused("cluster", {"min_size": "1", "max_size": "2"})
    assert (
        message == "pulumi_programs/cluster/config.py: stack acme-prod: cluster:instance_type: field required (a string such as t3.medium)"
    )


def test_every_problem_is_told_at_once(refused: Refused) -> None:
    message = refused(
        "network", {"cidr": "10.0.0.0/8", "zones": "9", "nat": "double", "flow_logs": "maybe", "flow_log_retention_days": "31"}
    )
    prefix = "pulumi_programs/network/config.py: stack acme-prod: network:"
    lines = [line.removeprefix(prefix) for line in message.splitlines()]
    assert lines[:4] == [
        "cidr: must have a prefix from /16 to /24 (a network such as 10.20.0.0/16)",
        "zones: input should be less than or equal to 3 (a whole number such as 2)",
        "nat: input should be 'none', 'single' or 'per_zone' (one of none, single, per_zone)",
        "flow_logs: input should be a valid boolean, unable to interpret input (true or false)",
    ]
    assert lines[4].startswith("flow_log_retention_days: must be one of 1, 3, 5, 7,")


def test_a_misspelt_key_is_refused_and_the_right_one_offered(refused: Refused) -> None:
    message = refused("network", {"cidr": "10.0.0.0/16", "zone": "3"})
    assert message.endswith("network:zone: unknown key (did you mean zones?)")


def test_an_unknown_key_lists_the_known_ones(refused: Refused) -> None:
    message = refused("network", {"cidr": "10.0.0.0/16", "colour": "red"})
    assert message.endswith("network:colour: unknown key (known: cidr, zones, nat, flow_logs, flow_log_retention_days)")


def test_sizes_that_contradict_each_other_are_refused(refused: Refused) -> None:
    message = refused("cluster", min_size="3", desired="2", max_size="4")
    assert message.endswith("stack acme-prod: cluster: min_size 3 <= desired 2 <= max_size 4 does not hold")


def test_a_secret_that_would_be_stored_in_clear_is_refused(refused: Refused) -> None:
    message = refused("network", secrets=["cidr"])
    assert message.endswith("network:cidr: is a secret, but the program keeps this setting in clear (give it as plain text)")
    assert "10.20" not in message


def test_a_secret_that_is_not_valid_is_not_shown(refused: Refused) -> None:
    message = refused("account", secrets=["external_id"], external_id="canary value!")
    assert message.endswith("account:external_id: is not valid; it is a secret and not shown (a string such as acme-prod-4f1c)")
    assert "canary" not in message


class Example(Configuration):
    """Structured and secret settings."""

    zones: Json[list[str]] = Field(examples=['["a", "b"]'])
    token: SensitiveText | None = None


@pytest.mark.parametrize("secrets", [[], ["token"]])
def test_structured_and_secret_values(run: Run, secrets: list[str]) -> None:
    found: list[Example] = []
    run("example", {"zones": '["a", "b"]', "token": "canary"}, program=lambda: found.append(load(Example)), secrets=secrets)
    assert found[0].zones == ["a", "b"]
    assert found[0].token is not None
    assert found[0].token.secret is bool(secrets)
    assert "canary" not in repr(found[0])


def test_keys_of_other_projects_are_none_of_its_business(run: Run) -> None:
    found: list[Example] = []
    run("example", {"zones": "[]"}, program=lambda: found.append(load(Example)))
    assert found[0].zones == []


def test_a_value_that_is_not_json_is_refused(refused: Refused) -> None:
    message = refused("example", {"zones": "a, b"}, program=lambda: load(Example))
    assert "example:zones: invalid JSON" in message
