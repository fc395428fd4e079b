from pathlib import Path

import pytest

from infra_assets.errors import InfraError
from infra_assets.sandbox.tools.mapping import MappedType, read_types


def test_types_txt_lists_resource_types_and_functions() -> None:
    types = read_types()
    assert MappedType("aws_vpc", "aws:ec2/vpc:Vpc", function=False) in types
    assert MappedType("aws_caller_identity", "aws:index/getCallerIdentity:getCallerIdentity", function=True) in types


def test_a_resource_type_and_a_function_may_share_upstreams_name(tmp_path: Path) -> None:
    path = tmp_path / "types.txt"
    path.write_text("aws_vpc aws:ec2/vpc:Vpc\ndata aws_vpc aws:ec2/getVpc:getVpc  # both\n\n")
    assert [mapped.function for mapped in read_types(path)] == [False, True]


@pytest.mark.parametrize("line", ["aws_vpc", "vpc aws:ec2/vpc:Vpc", "aws_vpc aws.ec2.Vpc", "data aws_vpc", "aws_vpc aws:ec2/vpc:Vpc x"])
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "types.txt"
    path.write_text(f"# types\n{line}\n")
    with pytest.raises(InfraError, match=r"types\.txt:2: not understood"):
        read_types(path)


def test_a_type_that_is_listed_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "types.txt"
    path.write_text("aws_vpc aws:ec2/vpc:Vpc\naws_vpc aws:ec2/subnet:Subnet\n")
    with pytest.raises(InfraError, match=r"types\.txt:2: listed twice"):
        read_types(path)
