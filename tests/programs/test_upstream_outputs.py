"""Reading what other stacks gave."""

import pulumi
import pytest

from pulumi_programs.components.upstream import Upstream, UpstreamError, upstream
from tests.programs.recording import Refused, Run

ACCOUNT = {"account_id": "111122223333"}


def test_a_missing_output_is_named_with_both_stacks_and_the_remedy(refused: Refused) -> None:
    message = refused("network", upstream={"account": ACCOUNT})
    assert message == "network/acme-prod: the stack account/acme-prod has no output boundary_arn; deploy account/acme-prod first"


def test_nothing_is_created_when_an_output_is_missing(run: Run) -> None:
    created: list[str] = []

    async def main() -> None:
        (await upstream("account")).text("boundary_arn")
        created.append("never")

    with pytest.raises(pulumi.RunError):
        run("network", program=lambda: pulumi.run(main), upstream={"account": ACCOUNT})
    assert created == []


@pytest.mark.parametrize("value", ["subnet-1", [1, 2], {"a": "b"}, 7])
def test_an_output_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(UpstreamError, match="private_subnet_ids that is not a"):
        Upstream("network/acme-prod", {"private_subnet_ids": value}, []).texts("private_subnet_ids")


@pytest.mark.parametrize("secrets", [[], ["token"]])
def test_what_was_a_secret_stays_one(run: Run, secrets: list[str]) -> None:
    found: list[bool] = []

    async def main() -> None:
        found.append(await Upstream("account/acme-prod", {"token": "canary"}, secrets).text("token").is_secret())

    run("network", program=lambda: pulumi.run(main))
    assert found == [bool(secrets)]
