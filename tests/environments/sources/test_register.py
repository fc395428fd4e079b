"""What is written from the fleet's register."""

import pytest

from infra_assets.environments.providers.aws_login import SESSION_NAME, SESSION_NAME_LENGTH
from infra_assets.environments.sources import register
from infra_assets.environments.sources.register import FleetSource
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.names import MAX_LENGTH

ACME = Tep("acme", "prod", Ring.BETA, "us-east-1", "111111111111", "ext-1")
LONGEST = Tep("a" * MAX_LENGTH, "b" * MAX_LENGTH, Ring.BETA, "us-east-1", "222222222222", "ext-2")


def facts_of(tep: Tep, operations: str = "123456789012") -> FleetSource:
    teps = [tep]
    return FleetSource(lambda: teps, operations_account=operations)


def sessions(tep: Tep) -> list[str]:
    lines = facts_of(tep).read(f"fleet/{tep.name}").source.decode().splitlines()
    return [line.split('"')[1] for line in lines if "sessionName" in line]


def test_sessions_say_what_they_are_for() -> None:
    assert sessions(ACME) == ["infra-acme-prod", "infra-acme-prod", "infra-preview-acme-prod", "infra-preview-acme-prod"]


def test_a_session_of_the_longest_name_is_one_that_aws_takes() -> None:
    assert all(SESSION_NAME.fullmatch(name) and len(name) == SESSION_NAME_LENGTH for name in sessions(LONGEST))


def test_a_revision_changes_with_the_facts_and_with_the_way_that_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def revision(source: FleetSource) -> str:
        return source.list()["fleet/acme-prod"]

    before = revision(facts_of(ACME))
    moved = Tep("acme", "prod", Ring.BETA, "eu-west-1", "111111111111", "ext-1")
    others = [revision(facts_of(moved)), revision(facts_of(ACME, "210987654321"))]
    monkeypatch.setattr(register, "LIMITED", "")
    others.append(revision(facts_of(ACME)))
    assert len({before, *others}) == 4
