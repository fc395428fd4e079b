"""What runs on the built provider must run on the official one: every mapped type's properties, against pulumi_aws's classes."""

import pytest

from infra_assets.sandbox.tools import Tools
from infra_assets.sandbox.tools.comparison import compare, differences
from infra_assets.sandbox.tools.mapping import read_types
from infra_assets.sandbox.tools.shapes import Shape, Signature, official

TEXT = Shape("string", required=False)


@pytest.mark.parametrize(
    ("ours", "difference"),
    [
        ({}, ("name", "not in the built provider")),
        ({"name": TEXT, "alias": TEXT}, ("alias", "not in pulumi_aws's inputs")),
        ({"name": Shape("list", required=False, element=TEXT)}, ("name", "list, in pulumi_aws string")),
        ({"name": Shape("string", required=True)}, ("name", "required, in pulumi_aws optional")),
        ({"name": Shape("string", required=False, json=True)}, ("name", "text or an object, in pulumi_aws text alone")),
    ],
)
def test_a_difference_is_named(ours: dict[str, Shape], difference: tuple[str, str]) -> None:
    assert compare(Signature(ours, {}), Signature({"name": TEXT}, {})) == [difference]


def test_a_nested_difference_is_named_by_its_path() -> None:
    def listed(**properties: Shape) -> dict[str, Shape]:
        return {"rules": Shape("list", element=Shape("object", properties=properties))}

    assert compare(Signature({}, listed(port=TEXT)), Signature({}, listed())) == [("rules[].port", "not in pulumi_aws's outputs")]


@pytest.mark.parametrize("token", [mapped.token for mapped in read_types()])
def test_pulumi_aws_has_every_mapped_type(token: str) -> None:
    signature = official(token)
    assert signature.outputs


def test_the_sdks_classes_are_read_with_names_lists_and_what_is_required() -> None:
    group = official("aws:ec2/securityGroup:SecurityGroup").inputs
    assert group["ingress"].kind == "list"
    assert group["ingress"].element
    assert group["ingress"].element.properties["fromPort"] == Shape("integer", required=True)
    role = official("aws:iam/role:Role").inputs
    assert role["assumeRolePolicy"] == Shape("string", required=True, json=True)
    assert role["tags"].kind == "map"


@pytest.mark.engine
@pytest.mark.timeout(3600)  # the first time, it builds
def test_every_mapped_type_has_the_properties_that_pulumi_aws_has(built_tools: Tools) -> None:
    assert differences(built_tools) == []
