"""Environment parity: on states that are written here, real environments, and a real register and ledger."""

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.previews.parity import parity as parity_module
from infra_assets.previews.parity import report as parity_report
from infra_assets.previews.parity import secrets as parity_secrets
from infra_assets.previews.parity.parity import parity
from infra_assets.previews.parity.result import DECLARED, MISSING, Difference, Parity
from infra_assets.previews.parity.sides import Asked, Sides
from infra_assets.previews.parity.states import read_states
from infra_assets.stacks.outcome import SECRET_MARK
from infra_assets.stacks.state import BucketStore
from tests.previews.states import resource, secret, write
from tests.rollouts.house import House

Edit = Callable[[Tep], Mapping[str, Any]]
VPC = "infra:network:Network$aws:ec2/vpc:Vpc"


def settle(house: House, *names: str, inputs: Edit = lambda _tep: {}) -> list[Tep]:
    """Bring TEPs into the fleet, each with a network that is its own and otherwise like all others."""
    teps: list[Tep] = []
    for number, name in enumerate(names, 1):
        tenant, environment = name.rsplit("-", 1)
        region = "us-east-1" if environment == "prod" else "eu-west-1"
        teps.append(Tep(tenant, environment, Ring.REGULAR, region, f"{number:012d}", f"external-{number:08d}"))
        house.own(name)
    house.planner.registry.save(teps)
    for number, tep in enumerate(teps, 1):
        network(house, tep, number, inputs(tep))
    return teps


def network(house: House, tep: Tep, number: int, inputs: Mapping[str, Any]) -> None:
    folder, name = house.root / "home" / "state", tep.name
    vpc, topic = f"vpc-{number:017x}", f"alarms-{number:07x}"
    arn = f"arn:aws:sns:{tep.region}:{tep.account_id}:{topic}"
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Resource": f"arn:aws:s3:::{name}-logs"}]})
    tags = {"Name": name, "tenant": tep.tenant, "environment": tep.environment}
    write(folder, "account", name,
        resource("account", name, "aws:sns/topic:Topic", "alarms", {"__defaults": ["name"], "name": topic}, id=arn),
    )  # fmt: skip
    write(folder, "network", name,
        resource("network", name, "infra:network:Network", "network", {}),
        resource("network", name, VPC, "network", {"tags": tags, "enableDns": True, **inputs}, id=vpc),
        resource("network", name, "aws:ec2/subnet:Subnet", f"{name}-a",
            {"vpcId": vpc, "zone": f"{tep.region}a", "policy": policy, "alarm": arn, "topic": topic}, id=f"subnet-{number:017x}"),
        salted=SECRET_MARK in json.dumps(inputs),
    )  # fmt: skip


def compared(house: House, *environments: str, **selection: Any) -> Parity:
    return parity(house.fresh_planner(), Selection(**selection), environments)


def told(found: Difference) -> tuple[str, str, list[tuple[Any, list[str]]]]:
    return found.item, found.path, [(side.value, list(side.teps)) for side in found.sides]


def test_what_is_each_teps_own_is_no_difference(house: House) -> None:
    settle(house, "acme-stag", "acme-prod", "other-stag", "other-prod")
    found = compared(house, "stag", "prod", projects=["network", "account"])
    assert found.differences == []
    assert found.unread == []
    assert found.alike
    assert (found.identical["network"].resources, found.identical["network"].settings, found.identical["account"].resources) == (3, 1, 1)
    across = compared(house, "prod", projects=["network", "account"])
    assert across.alike
    assert across.teps == ["acme-prod", "other-prod"]


def test_two_environments_are_compared_tenant_by_tenant(house: House) -> None:
    settle(
        house, "acme-stag", "acme-prod", "other-stag", "other-prod", "third-stag",
        inputs=lambda tep: {"size": 3 if tep.name != "other-prod" else 5} | ({"extra": [{"a": 1}]} if tep.environment == "prod" else {}),
    )  # fmt: skip
    found = compared(house, "stag", "prod", projects=["network"])
    assert [told(each) for each in found.differences] == [
        ("aws:ec2/vpc:Vpc network", "extra[0].a", [(MISSING, ["acme-stag", "other-stag"]), (1, ["acme-prod", "other-prod"])]),
        ("aws:ec2/vpc:Vpc network", "size", [(3, ["other-stag"]), (5, ["other-prod"])]),
    ]
    assert found.left_out == ["1 tenant without prod: third"]


def test_across_tenants_the_reference_is_what_most_have(house: House) -> None:
    settle(house, "a-prod", "b-prod", "c-prod", "d-prod", inputs=lambda tep: {"size": {"a": 1, "b": True}.get(tep.tenant, "1")})
    (found,) = compared(house, "prod", projects=["network"]).differences
    assert told(found)[2] == [("1", ["c-prod", "d-prod"]), (1, ["a-prod"]), (True, ["b-prod"])]


def test_with_two_tenants_it_is_the_first_of_the_fleet(house: House) -> None:
    settle(house, "b-prod", "a-prod", inputs=lambda tep: {"size": tep.tenant * 3})
    (found,) = compared(house, "prod", projects=["network"]).differences
    assert [side.teps for side in found.sides] == [[tep.name] for tep in house.planner.registry.list()]


def test_a_resource_that_some_do_not_have(house: House) -> None:
    settle(house, "a-prod", "b-prod", "c-prod")
    write(house.root / "home" / "state", "network", "b-prod", resource("network", "b-prod", "infra:network:Network", "network", {}))
    found = compared(house, "prod", projects=["network"])
    assert [told(each) for each in found.differences] == [
        (item, "", [(DECLARED, ["a-prod", "c-prod"]), (MISSING, ["b-prod"])])
        for item in ("aws:ec2/subnet:Subnet {tep}-a", "aws:ec2/vpc:Vpc network")
    ]


def test_a_policy_is_compared_within(house: House) -> None:
    def policy(tep: Tep) -> dict[str, str]:
        return {"policy": json.dumps({"Statement": [{"Action": ["s3:Get*"] if tep.tenant == "a" else ["s3:*"], "Resource": "*"}]})}

    settle(house, "a-prod", "b-prod", inputs=policy)
    (found,) = compared(house, "prod", projects=["network"]).differences
    assert (found.path, [side.value for side in found.sides]) == ("policy.Statement[0].Action[0]", ["s3:Get*", "s3:*"])


def test_that_one_is_protected_and_the_other_is_not(house: House) -> None:
    teps = settle(house, "a-prod", "b-prod")
    for tep in teps:
        protect = {"protect": True} if tep.tenant == "a" else {}
        write(house.root / "home" / "state", "network", tep.name, resource("network", tep.name, VPC, "network", {}, **protect))
    (found,) = compared(house, "prod", projects=["network"]).differences
    assert told(found)[1:] == ("(protect)", [(True, ["a-prod"]), (MISSING, ["b-prod"])])


def test_a_resource_that_stands_in_another_component_is_the_same_unless_there_are_two(house: House) -> None:
    teps = settle(house, "a-prod", "b-prod")
    folder = house.root / "home" / "state"
    for tep, types in zip(teps, (VPC, "infra:other:Other$aws:ec2/vpc:Vpc"), strict=True):
        write(folder, "network", tep.name, resource("network", tep.name, types, "network", {"a": 1}))
    assert compared(house, "prod", projects=["network"]).alike
    write(folder, "network", "a-prod", *(resource("network", "a-prod", t, "network", {"a": 1}) for t in (VPC, "x:y:Z$aws:ec2/vpc:Vpc")))
    found = compared(house, "prod", projects=["network"]).differences
    assert [each.item.partition(" in ")[2] for each in found] == ["infra:network:Network", "infra:other:Other", "x:y:Z"]


def test_names_that_are_words_are_no_difference_where_both_say_the_same(house: House) -> None:
    # "stag" is the environment's name in one and a mere word in the other, and literally the same.
    settle(house, "acme-stag", "acme-prod", inputs=lambda _tep: {"profile": "stag", "both": "prod and stag"})
    assert compared(house, "stag", "prod", projects=["network"]).alike


# Secrets.


def test_secrets_are_compared_and_never_shown(house: House) -> None:
    def inputs(tep: Tep) -> dict[str, Any]:
        return {"same": secret(f"canary-4711 of {tep.name}", tep.name), "other": secret(f"canary-{tep.account_id[-1]}", tep.name)}

    settle(house, "acme-stag", "acme-prod", inputs=inputs)
    found = compared(house, "stag", "prod", projects=["network"])
    (only,) = found.differences
    assert (only.path, [side.value for side in only.sides]) == ("other", ["[secret]", "[secret]"])
    assert "canary" not in json.dumps(found.as_json()) + parity_report.as_markdown(found) + repr(found)


def test_a_secret_differs_from_what_is_none(house: House) -> None:
    settle(house, "a-prod", "b-prod", inputs=lambda tep: {"token": secret("x", tep.name) if tep.tenant == "a" else "x"})
    (found,) = compared(house, "prod", projects=["network"]).differences
    assert [side.value for side in found.sides] == ["[secret]", "x"]


def test_secrets_of_too_many_stacks_are_not_compared_and_that_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity_secrets, "SECRET_STACKS", 1)
    settle(house, "a-prod", "b-prod", inputs=lambda tep: {"token": secret(tep.account_id + "?", tep.name), "size": tep.tenant * 2})
    found = compared(house, "prod", projects=["network"])
    assert [each.path for each in found.differences] == ["size"]
    assert "secrets in the states of 2 stacks were not compared" in found.left_out[0]


def test_a_secret_that_cannot_be_decrypted_is_said(house: House) -> None:
    settle(house, "a-prod", "b-prod", inputs=lambda tep: {"token": secret("x", "a-prod")})
    found = compared(house, "prod", projects=["network"])
    assert found.differences == []
    assert [line.partition(":")[0] for line in found.left_out] == ["secrets of network/b-prod"]


# Settings.


def test_settings_with_the_layer_that_set_each_side(house: House) -> None:
    house.write("shared/app", {"network": {"zones": 2, "deep": {"a": 1, "b": [1, 2]}}, "queue": {"size": 1}})
    settle(house, "a-prod", "b-prod", "c-prod")
    house.own("b-prod", {"network": {"zones": 3, "deep": {"b": [1]}, "bucket": "b-logs"}, "queue": {"size": 9}})
    found = compared(house, "prod", projects=["network"])
    sides = {(each.item, each.path): [(side.value, side.teps, side.layers) for side in each.sides] for each in found.differences}
    both = ["a-prod", "c-prod"]
    assert sides == {
        ("network:bucket", ""): [(MISSING, both, []), ("{tenant}-logs", ["b-prod"], ["tenants/{tep}"])],
        ("network:deep", "b[1]"): [(2, both, ["shared/app"]), (MISSING, ["b-prod"], [])],
        ("network:zones", ""): [(2, both, ["shared/app"]), (3, ["b-prod"], ["tenants/{tep}"])],
    }
    assert found.identical["network"].settings == 0


def test_secret_settings_are_compared_and_never_shown(house: House) -> None:
    settle(house, "a-prod", "b-prod", "c-prod")
    for name in ("a-prod", "b-prod", "c-prod"):
        value = {"fn::secret": "canary-other" if name == "c-prod" else f"canary-4711 {name}"}
        values = {"pulumiConfig": {"network:token": value, "queue:same": {"fn::secret": f"{name}-canary"}}}
        house.own(name, text=json.dumps({"imports": ["shared/app", f"fleet/{name}"], "values": values}))
    found = compared(house, "prod", projects=["network", "queue"])
    (only,) = [each for each in found.differences if each.kind == "setting"]
    assert told(only) == ("network:token", "", [("[secret]", ["a-prod", "b-prod"]), ("[secret]", ["c-prod"])])
    assert "canary" not in json.dumps(found.as_json()) + parity_report.as_markdown(found) + repr(found)


def test_what_is_not_opened_is_said(house: House) -> None:
    settle(house, "a-prod", "b-prod")
    for name in ("a-prod", "b-prod"):
        opened = {"fn::open::aws-secrets": {"login": "${aws.login}", "region": "us-east-1", "get": {"x": {"secretId": "y"}}}}
        values = {"pulumiConfig": {"network:opened": opened}}
        house.own(name, text=json.dumps({"imports": ["shared/app", f"fleet/{name}"], "values": values}))
    found = compared(house, "prod", projects=["network"])
    assert found.unread == []
    assert any(line.startswith("network:opened is opened only when it is deployed") for line in found.left_out), found.left_out


# What cannot be compared.


def test_what_cannot_be_read_is_named_and_others_go_on(house: House) -> None:
    settle(house, "a-prod", "b-prod", "c-prod", "d-prod", inputs=lambda tep: {"size": 1 if tep.tenant != "d" else 2})
    folder = house.root / "home" / "state" / ".pulumi/stacks/network"
    (folder / "a-prod.json").write_text("{")
    (folder / "b-prod.json").unlink()
    house.own("c-prod", text="imports: [nowhere/at-all]")
    found = compared(house, "prod")
    causes = {(item.name, item.kind): item.cause for item in found.unread}
    assert "state of network/a-prod is damaged" in causes["network/a-prod", "resource"]
    assert causes["network/b-prod", "resource"] == "never deployed"
    assert causes["queue/d-prod", "resource"] == "never deployed"
    assert "nowhere/at-all" in causes["c-prod", "setting"]
    assert [told(each)[2] for each in found.differences] == [[(1, ["c-prod"]), (2, ["d-prod"])]]
    assert not found.alike
    text = parity_report.as_markdown(found)
    assert "resources of network/a-prod could not be compared: state of network/a-prod is damaged" in text


def test_a_state_that_is_gone_is_not_taken_for_one_that_never_was(house: House) -> None:
    settle(house, "a-prod", "b-prod")
    number = house.ledger.begin(("a-prod", "queue"), "up", {}, commit=house.head)
    house.ledger.finish(number, "deployed")
    causes = {item.name: item.cause for item in compared(house, "prod", projects=["queue"]).unread}
    assert causes == {"queue/a-prod": "the ledger has it as deployed, and there is no state of it", "queue/b-prod": "never deployed"}


def test_a_backend_that_does_not_answer_leaves_the_settings(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(house, "a-prod", "b-prod")
    house.own("b-prod", {"network": {"zones": 3}})
    house.settings = house.settings.model_copy(update={"state_backend": "s3://states?region=us-east-1"})
    found = compared(house, "prod", projects=["network"])
    assert {item.cause for item in found.unread} == {"the sandbox is not running"}
    assert [each.item for each in found.differences] == ["network:zones"]


def test_commits_that_differ_are_said(house: House) -> None:
    for tep, commit in zip(settle(house, "a-prod", "b-prod"), (house.head, "0" * 40), strict=True):
        house.ledger.finish(house.ledger.begin((tep.name, "network"), "up", {}, commit=commit), "deployed")
    found = compared(house, "prod", projects=["network"])
    assert found.commits == {"network": {house.head: ["a-prod"], "0" * 40: ["b-prod"]}}
    assert any("network is deployed from several commits" in note for note in parity_report.notes(found))


@pytest.mark.parametrize(
    ("environments", "selection", "said"),
    [
        (["no"], {}, "no such environment"),
        ([], {}, "takes one environment"),
        (["prod", "prod"], {}, "two different ones"),
        (["prod", "stag", "test"], {}, "two different ones"),
        (["test"], {}, "nothing to compare with"),
        (["prod", "stag"], {"tenants": ["b"]}, "--tenant b: does not have both prod and stag"),
        (["prod", "test"], {"tenants": ["a*"]}, "no tenant that is meant has both prod and test"),
        (["prod"], {"projects": ["no*"]}, "matches nothing"),
    ],
)
def test_what_is_asked_wrongly(house: House, environments: list[str], selection: dict[str, Any], said: str) -> None:
    settle(house, "a-prod", "a-stag", "b-prod", "c-test")
    with pytest.raises(UsageError) as refused:
        compared(house, *environments, **selection)
    assert said in str(refused.value)


# For people.


def test_as_a_table_and_as_markdown(house: House) -> None:
    settle(house, *(f"t{number}-prod" for number in range(9)), inputs=lambda tep: {"cidr": f"10.{tep.account_id[-1]}.0.0/16", "x": "a|<b>"})
    house.own("t3-prod", {"network": {"zones": 3}})
    found = compared(house, "prod", projects=["network"])
    assert parity_report.rows(found) == [
        ("network", "aws:ec2/vpc:Vpc network", "cidr",
         "\n".join([*(f"in t{n}-prod: 10.{n + 1}.0.0/16" for n in range(4)), "and 5 other values in 5 TEPs"])),
        ("network", "network:zones", "", "in 8 TEPs: 2 (shared/app)\nin t3-prod: 3 (tenants/t3-prod)"),
    ]  # fmt: skip
    console = Console(width=200, record=True, file=StringIO())
    console.print(parity_report.parity_table(found))
    text = console.export_text()
    assert "Parity of prod: 9 TEPs, 2 differences" in text
    assert "in t3-prod: 3 (tenants/t3-prod)" in text
    markdown = parity_report.as_markdown(found)
    assert "| network | network:zones |  | in 8 TEPs: 2 (shared/app)<br>in t3-prod: 3 (tenants/t3-prod) |" in markdown
    assert "identical everywhere: 2 resources and 0 settings" in markdown
    assert set(found.as_json()) >= {"environments", "teps", "alike", "differences", "identical", "unread", "left_out", "commits"}
    json.dumps(found.as_json())


def test_tenants_that_differ_each_in_its_way_are_counted(house: House) -> None:
    names = [f"t{number}-{environment}" for number in range(8) for environment in ("stag", "prod")]
    settle(house, *names, inputs=lambda tep: {"cidr": f"10.{tep.account_id[-2:]}.0.0"})
    found = compared(house, "stag", "prod", projects=["network"])
    assert len(found.differences) == 8
    assert len(parity_report.rows(found)) == 6
    assert parity_report.rows(found)[-1][3] == "and 3 other differences in 3 tenants"


def test_parts_that_were_read_by_several_processes_are_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(house, *(f"t{n}-prod" for n in range(4)), inputs=lambda tep: {"size": tep.tenant in ("t1", "t3")})
    alone = compared(house, "prod")

    def two(work: Callable[[Sequence[Any]], Any], items: Sequence[Any], **_: Any) -> list[Any]:
        return [work(items[:1]), pickle.loads(pickle.dumps(work(items[1:])))]

    monkeypatch.setattr(parity_module, "shared", two)
    assert compared(house, "prod") == alone


def test_a_bucket_that_does_not_answer_is_not_asked_for_every_tep(house: House) -> None:
    asked: list[str] = []

    class Client:
        def get_object(self, **key: str) -> None:
            asked.append(key["Key"])
            raise EndpointConnectionError(endpoint_url="https://s3")

        class exceptions:  # noqa: N801  # as boto3 has it
            NoSuchKey = KeyError

    found = Sides()
    teps = settle(house, "a-prod", "b-prod")
    read_states(BucketStore("states", Client()), [Asked(tep, ["network"], [], frozenset(), {}) for tep in teps], found)
    assert len(asked) == 1
    assert [(item.tep, item.cause.partition(":")[0]) for item in found.unread] == [
        ("a-prod", "the state backend does not answer"), ("b-prod", "the state backend does not answer"),
    ]  # fmt: skip


def test_a_planner_of_another_process_finds_the_same(house: House) -> None:
    settle(house, "a-prod", "b-prod", inputs=lambda tep: {"size": tep.tenant * 2})
    once, again = (parity(Planner(house.settings), Selection(projects=["network"]), ["prod"]) for _ in range(2))
    assert once == again
