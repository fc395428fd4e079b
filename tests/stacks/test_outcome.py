"""Outcomes, from the engine's events."""

from typing import Any

from infra_assets.stacks.masking import Masker
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


def refreshed(urn: str, op: str = "refresh", **fields: Any) -> dict[str, Any]:
    return step("resOutputsEvent", urn, op, **fields)


def tagged(owner: str, **more: Any) -> dict[str, Any]:
    return {"id": "vpc-1", "inputs": {"tags": {"Owner": "ours"}}, "outputs": {"tags": {"Owner": owner}}, **more}


OWNER = {"tags.Owner": {"diffKind": "update", "inputDiff": False}, "tagsAll.Owner": {"diffKind": "update", "inputDiff": False}}


def test_what_a_refresh_finds_other_than_it_was_recorded_is_drift_and_no_change() -> None:
    outcome = from_events(
        "preview",
        [
            step("resourcePreEvent", VPC, "refresh", old=tagged("ours")),
            refreshed(VPC, old=tagged("ours"), new=tagged("somebody"), detailedDiff=OWNER),
            refreshed(SUBNET, old={"id": "subnet-1", "outputs": {"a": 1}}, new={"id": "subnet-1", "outputs": {"a": 1}}),
            step("resourcePreEvent", VPC, "same", old=tagged("somebody"), new=tagged("somebody")),
        ],
        ok=True,
        duration_s=1.0,
    )
    assert [(change.name, change.operation, change.id) for change in outcome.drift] == [("main", "update", "vpc-1")]
    assert [(each.path, each.kind, each.before, each.after) for each in outcome.drift[0].details] == [
        ("tags.Owner", "update", "ours", "somebody")
    ]
    assert outcome.counts == {}


def test_what_is_gone_in_the_cloud_is_drift_and_what_the_engine_keeps_for_itself_is_not() -> None:
    outcome = up(
        refreshed(VPC, old=tagged("ours", protect=True), new=None),
        refreshed("urn:pulumi:s::network::pulumi:providers:aws::default", old={"id": "1"}, new=None),
        refreshed(STACK, old={"id": ""}, new=None),
        step("resOutputsEvent", VPC, "create", new={"id": "vpc-2"}),
    )
    assert [(change.operation, change.id, change.protected) for change in outcome.drift] == [("delete", "vpc-1", True)]
    assert outcome.counts == {"create": 1}


def test_an_update_has_its_properties_with_values_and_says_whether_it_is_protected() -> None:
    outcome = from_events(
        "preview",
        [
            step("resourcePreEvent", VPC, "update", old=tagged("ours", protect=True),
                 new={"id": "vpc-1", "inputs": {"tags": {"Owner": "others"}}}, detailedDiff=OWNER),
            step("resourcePreEvent", SUBNET, "create", new={"inputs": {"a": 1}}),
        ],
        ok=True,
        duration_s=1.0,
    )  # fmt: skip
    changed, created = outcome.changes
    assert [(each.path, each.before, each.after) for each in changed.details] == [("tags.Owner", "ours", "others")]
    assert (changed.protected, created.protected, created.details) == (True, False, ())


def test_a_replacement_keeps_the_properties_that_are_the_reason() -> None:
    detail = {"cidrBlock": {"diffKind": "update-replace", "inputDiff": False}}
    old, new = {"id": "vpc-1", "outputs": {"cidrBlock": "10.0/16"}}, {"inputs": {"cidrBlock": "10.1/16"}}
    outcome = from_events(
        "preview",
        [
            step("resourcePreEvent", VPC, "create-replacement", old=old, new=new, detailedDiff=detail),
            step("resourcePreEvent", VPC, "replace", old=old, new=new, detailedDiff=detail),
            step("resourcePreEvent", VPC, "delete-replaced", old=old),
        ],
        ok=True,
        duration_s=1.0,
    )
    assert outcome.counts == {"replace": 1}
    assert [(each.path, each.before, each.after) for each in outcome.changes[0].details] == [("cidrBlock", "10.0/16", "10.1/16")]


def test_a_secret_that_the_cloud_shows_in_clear_is_masked_in_values_too() -> None:
    outcome = up(refreshed(VPC, old=tagged("ours"), new=tagged("hunter2-canary"), detailedDiff=OWNER))
    masked = outcome.masked(Masker(["hunter2-canary"]))
    assert "hunter2" not in str(masked)
    assert masked.drift[0].details[0].after == "[secret]"
