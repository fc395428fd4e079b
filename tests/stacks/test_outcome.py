"""Outcomes, from the engine's events."""

from typing import Any

from infra_assets.stacks.outcome import Outcome, from_events, in_short, read_events

STACK = "urn:pulumi:acme-prod::network::pulumi:pulumi:Stack::network-acme-prod"
VPC = "urn:pulumi:acme-prod::network::infra:network:Network$aws:ec2/vpc:Vpc::main"
SUBNET = "urn:pulumi:acme-prod::network::aws:ec2/subnet:Subnet::a"


def step(kind: str, urn: str, op: str, **fields: Any) -> dict[str, Any]:
    return {kind: {"metadata": {"op": op, "urn": urn, "type": urn.split("::")[2].split("$")[-1], **fields}}}


def up(*events: dict[str, Any], ok: bool = True) -> Outcome:
    return from_events("up", events, ok=ok, duration_s=1.0)


def test_changes_are_counted_by_operation_and_what_stays_is_not() -> None:
    outcome = up(
        step("resOutputsEvent", VPC, "create", new={"id": "vpc-1"}),
        step("resOutputsEvent", SUBNET, "same"),
        step("resOutputsEvent", "urn:pulumi:s::network::pulumi:pulumi:StackReference::account", "read"),
        step("resOutputsEvent", "urn:pulumi:s::network::pulumi:providers:aws::default", "create"),
    )
    assert outcome.counts == {"create": 1}
    assert [change.operation for change in outcome.changes] == ["create", "same"]
    first = outcome.changes[0]
    assert (first.type, first.name, first.id) == ("aws:ec2/vpc:Vpc", "main", "vpc-1")


def test_a_replacement_is_one_change_whatever_the_order_of_its_steps() -> None:
    for steps in (("create-replacement", "replace", "delete-replaced"), ("delete-replaced", "replace", "create-replacement")):
        outcome = up(*(step("resOutputsEvent", VPC, operation, detailedDiff={"cidrBlock": {}}) for operation in steps))
        assert outcome.counts == {"replace": 1}
        assert outcome.changes[0].properties == ("cidrBlock",)


def test_outputs_are_the_stacks_and_a_secret_is_noticed_at_any_depth() -> None:
    plain = up(step("resOutputsEvent", STACK, "update", new={"outputs": {"vpc_id": "vpc-1"}}))
    hidden = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    nested = up(step("resOutputsEvent", STACK, "update", new={"outputs": {"a": [{"b": hidden}]}}))
    assert (plain.outputs, plain.has_secret_outputs) == ({"vpc_id": "vpc-1"}, False)
    assert (nested.outputs, nested.has_secret_outputs) == ({"a": [{"b": "[secret]"}]}, True)


def test_a_failure_says_what_the_engine_said_once_and_without_colours() -> None:
    said = {"diagnosticEvent": {"severity": "error", "message": "<{%fg 1%}>creating VPC: VpcLimitExceeded<{%reset%}>\n", "urn": VPC}}
    outcome = up(said, said, ok=False)
    assert outcome.message == "creating VPC: VpcLimitExceeded"
    assert outcome.diagnostics[0].urn == VPC


def test_a_programs_exception_names_the_place_instead_of_a_traceback() -> None:
    message = (
        "python inline source runtime error: division by zero\nTraceback (most recent call last):\n"
        '  File "/x/site-packages/pulumi/runtime/stack.py", line 254, in run\n'
        '  File "/checkout/pulumi_programs/network/__main__.py", line 12, in <module>\n'
        '  File "/usr/lib/python3.11/fractions.py", line 3, in f\nZeroDivisionError: division by zero'
    )
    assert in_short(message) == "pulumi_programs/network/__main__.py:12: division by zero"


def test_a_log_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Any) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text('{"sequence": 1}\n{"sequen')
    assert list(read_events(log)) == [{"sequence": 1}]
    assert list(read_events(tmp_path / "none")) == []
