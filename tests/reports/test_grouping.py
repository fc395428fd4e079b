"""Two hundred equal diffs read as one; what differs is named, with the lines that differ."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra_assets.fleet.models import Ring, Tep
from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.grouping import Group, difference, doubts, failures, groups, losses, told
from infra_assets.reports.matrix import ERROR, Row
from infra_assets.reports.neutral import neutral
from infra_assets.stacks.outcome import PropertyChange
from tests.reports.reports import EIGHT, report, tep

VPC, RDS = "aws:ec2/vpc:Vpc", "aws:rds/cluster:Cluster"


def row(number: int, *changes: ResourceChange, project: str = "network", verdict: str = "changed", **values: Any) -> Row:
    return Row(tep(number), project, "deployed", verdict=verdict, resources=changes, **values)


def own(number: int, cidr: str = "10.0.0.0/16") -> ResourceChange:
    """Return a change that is full of what is its TEP's own."""
    it = tep(number)
    properties = (
        PropertyChange("tags", "update", {"Name": f"{it.name}-main", "tenant": it.tenant}, {"Name": f"{it.name}-vpc", "tenant": it.tenant}),
        PropertyChange("vpcId", "update", f"vpc-{number:017x}", f"vpc-{number + 1:017x}"),
        PropertyChange("role", "update", None, f"arn:aws:iam::{it.account_id}:role/deploy"),
        PropertyChange("trust", "update", it.external_id, f"s3://{it.tenant}-logs/{it.region}/{it.region}b"),
        PropertyChange("cidrBlock", "update", "10.0.0.0/8", cidr),
    )
    return ResourceChange(VPC, f"{it.name}-main", "update", properties, f"vpc-{number:017x}")


def test_what_is_each_teps_own_makes_no_difference() -> None:
    found = groups([row(number, own(number)) for number in range(200)])
    assert [(group.project, len(group.teps), group.tep) for group in found] == [("network", 200, tep(0))]
    assert found[0].changes == [own(0)]


def test_those_that_differ_are_named_with_what_differs() -> None:
    rows = [row(number, own(number, "10.9.0.0/16" if number in (3, 7) else "10.0.0.0/16")) for number in range(200)]
    most, others = told(groups(rows))
    assert most[1] == "same change in 198 TEPs; 2 others differ: customer0001-test, customer0003-test"
    assert most[2] == most[0].lines
    assert others[0].teps == ["customer0001-test", "customer0003-test"]
    assert others[2] == [
        "# as in customer0000-prod, but for",
        f"~ {VPC} customer0001-test-main",
        "~     cidrBlock: 10.0.0.0/8 → 10.9.0.0/16",
        "# and without",
        f"~ {VPC} customer0000-prod-main",
        "~     cidrBlock: 10.0.0.0/8 → 10.0.0.0/16",
    ]


def test_a_difference_that_is_too_long_to_see_shows_the_whole() -> None:
    def long(number: int, end: str) -> Row:
        return row(number, ResourceChange(VPC, "main", "update", (PropertyChange("policy", "update", "x", "y" * 5000 + end),)))

    _, other = told(groups([long(0, "a"), long(1, "a"), long(2, "b")]))
    assert other[2] == other[0].lines


@pytest.mark.parametrize(
    "other",
    [
        replace(own(1), type="aws:ec2/vpcx:Vpc"),
        replace(own(1), name="other"),
        replace(own(1), operation="replace"),
        replace(own(1), protected=True),
        replace(own(1), properties=own(1).properties[:-1]),
        replace(own(1), properties=(*own(1).properties[:-1], PropertyChange("cidrBlock", "update", "10.0.0.0/8", 10))),
        replace(own(1), properties=(*own(1).properties[:-1], PropertyChange("cidrBlock", "add", "10.0.0.0/8", "10.0.0.0/16"))),
        replace(own(1), name="customer0000-prod-main"),
    ],
)
def test_what_differs_is_another_group(other: ResourceChange) -> None:
    assert len(groups([row(0, own(0)), row(1, other)])) == 2


def test_another_teps_name_is_no_ones_own() -> None:
    peers = [ResourceChange(VPC, "main", "update", (PropertyChange("peer", "update", None, tep(9).name),)) for _ in range(2)]
    assert len(groups([row(0, peers[0]), row(2, peers[1])])) == 1
    assert len(groups([row(1, peers[0]), row(9, peers[1])])) == 2


def test_only_whole_words_are_names() -> None:
    def named(tenant: str, value: str) -> Row:
        it = Tep(tenant, "prod", Ring.BETA, "us-east-1", "111111111111", "external")
        return Row(
            it,
            "network",
            "deployed",
            "changed",
            resources=[ResourceChange(VPC, "main", "update", (PropertyChange("value", "add", None, value),))],
        )

    assert len(groups([named("a", "database"), named("data", "database")])) == 1
    assert len(groups([named("a", "a base"), named("data", "data base")])) == 1
    assert len(groups([named("a", "abase"), named("data", "database")])) == 2


def test_the_order_of_resources_makes_no_difference() -> None:
    topic = ResourceChange("aws:sns/topic:Topic", "alarms", "create")
    assert len(groups([row(0, own(0), topic), row(1, topic, own(1))])) == 1


def test_projects_stand_alone_and_errors_in_no_group() -> None:
    rows = [row(0, own(0)), row(0, own(0), project="cluster"), row(1, own(1), verdict=ERROR), row(2)]
    assert [group.teps for group in groups(rows)] == [["customer0000-prod"], ["customer0000-prod"]]


def test_the_worst_is_first_then_the_most() -> None:
    def doing(operation: str, type_: str) -> ResourceChange:
        return ResourceChange(type_, "main", operation)

    rows = [
        *(row(number, doing("update", VPC), project="many") for number in range(5)),
        *(row(number, doing("create", RDS), project="more") for number in range(6)),
        row(1, doing("delete", VPC), project="deleting"),
        row(1, doing("update", VPC), doing("replace", RDS), project="losing"),
    ]
    found = groups(rows)
    assert [group.project for group in found] == ["losing", "deleting", "more", "many"]
    assert [group.severity for group in found] == [0, 1, 2, 2]
    assert found[0].changes[0].type == RDS


def test_what_destroys_is_shown_whole_though_it_is_rare() -> None:
    rows = [*(row(number, own(number)) for number in range(5)), row(7, own(7), ResourceChange(RDS, "main", "delete"))]
    first, second = told(groups(rows))
    assert (first[1], first[2]) == ("another change in customer0003-test", first[0].lines)
    assert second[1] == "same change in 5 TEPs; 1 other differs: customer0003-test"


def test_drift() -> None:
    rows = [replace(row(number, verdict="drifted"), drift=[own(number)]) for number in range(3)]
    assert groups(rows) == []
    assert [len(group.teps) for group in groups(rows, "drift")] == [3]


def test_losses_are_those_of_cells_with_errors_too() -> None:
    lost = ResourceChange(RDS, "main", "replace")
    rows = [row(0, own(0), lost), row(1, lost, verdict=ERROR), row(2, own(2))]
    assert [(group.changes, len(group.teps)) for group in losses(rows)] == [([lost], 2)]
    gone = replace(row(3), drift=[replace(lost, operation="delete"), own(3)])
    assert [len(group.changes) for group in losses([gone], "drift")] == [1]
    assert not losses([gone])


def test_equal_errors_are_one() -> None:
    rows = [row(number, verdict=ERROR, message=f"{tep(number).name}: no access to {tep(number).account_id}") for number in range(3)]
    found = failures([*rows, row(4, verdict=ERROR), row(5)])
    assert [(said.text, len(said.teps)) for said in found] == [("customer0000-prod: no access to 100000000000", 3), ("nobody knows why", 1)]


def test_equal_doubts_are_one() -> None:
    rows = [row(number, verdict="maybe", cause=f"tenants/{tep(number).name} 1a2b") for number in range(3)]
    assert [(said.text, len(said.teps)) for said in doubts(rows)] == [("tenants/customer0000-prod 1a2b", 3)]


def test_differences_of_nothing() -> None:
    one, two = Group("a", [], tep(0), ["x"]), Group("a", [own(1)], tep(1), ["y"])
    assert difference(one, two) == ([], two.lines)


values = st.recursive(
    st.sampled_from(
        ["{name}", "{tenant}", "{account}", "{region}a", "vpc-0a1b2c3d4e5f60718", "x{name}", "{name}-1", "plain", 3, True, None]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "{name}", 'q"']), inner, max_size=2),
    max_leaves=4,
)


def filled(value: Any, it: Tep) -> Any:
    text = json.dumps(value)
    for name, own_ in {"name": it.name, "tenant": it.tenant, "account": it.account_id, "region": it.region}.items():
        text = text.replace(f"{{{name}}}", own_)
    return json.loads(text)


@given(st.lists(st.tuples(st.integers(0, 5), values), min_size=1, max_size=6))
def test_groups_are_those_of_what_is_neutral(contents: Sequence[tuple[int, Any]]) -> None:
    rows = [
        Row(tep(number), "network", "deployed", "changed",
            resources=[ResourceChange(VPC, "main", "update", (PropertyChange("a", "update", None, filled(value, tep(number))),))])
        for number, value in contents
    ]  # fmt: skip
    exact = {json.dumps(neutral(one.resources[0].properties[0].after, one.tep), sort_keys=True) for one in rows}
    assert len(groups(rows)) == len(exact)


def test_forty_thousand_rows_are_quick() -> None:
    rows = report(5000, EIGHT, kind="preview", not_clean=0.6, history=0).rows
    began = time.process_time()
    found = groups(rows)
    assert time.process_time() - began < 2
    assert len(rows) == 40_000
    assert sum(len(group.teps) for group in found) > 10_000
    assert len(found) < 50


def test_names_that_the_engine_has_made_are_each_teps_own() -> None:
    def cell(number: int, digits: str) -> Row:
        arn = f"arn:aws:logs:us-east-1:{tep(number).account_id}:log-group:network-flow-{digits}:*"
        moved = PropertyChange("arn", "update", arn, [arn])
        change = ResourceChange("aws:cloudwatch/logGroup:LogGroup", "network-flow", "replace", [moved])
        return Row(tep(number), "network", "deployed", verdict="changed", resources=[change])

    assert [len(group.teps) for group in groups([cell(1, "1a2b3c4"), cell(2, "5d6e7f8")])] == [2]
