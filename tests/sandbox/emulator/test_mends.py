"""Every mend is needed: without it the real provider fails, or something reads as changed that nobody changed."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from pulumi.automation import CommandError

from infra_assets.sandbox.emulator import Emulator
from infra_assets.sandbox.emulator.mends import MENDS
from infra_assets.sandbox.tools import Tools
from tests.sandbox.emulator.clients import OPERATIONS, operations
from tests.sandbox.emulator.drifts import DRIFTS
from tests.sandbox.emulator.lifecycle import Life, live
from tests.sandbox.emulator.programs import policy
from tests.sandbox.emulator.unmended import without

ACCOUNT = "777777777777"
# The mend, and the program that needs it.
NEEDED_BY = {
    "has_tags": "observation",
    "updates_budgets": "observation",
    "lists_subscribers": "observation",
    "speaks_cbor": "observation",
    "template_tags_are_its_own": "capacity",
    "later_versions_launch": "capacity",
    "has_managed_policies": "identity",
    "refuses_to_remove_twice": "identity",
    "modifies_rules_without_ports": "network",
    "names_rules_that_are_gone": "network",
    "describes_rules_between_groups": "network",
    "refreshes_instances": "capacity",
}


def test_every_mend_says_why_and_is_shown_to_be_needed():
    assert {each.name for each in MENDS} == NEEDED_BY.keys() | {"asks_the_role"}
    assert all(each.service and len(each.reason) > 80 for each in MENDS)


@pytest.mark.engine
@pytest.mark.parametrize(("mend", "program"), NEEDED_BY.items(), ids=NEEDED_BY)
def test_without_it_the_provider_fails_or_sees_changes(mend: str, program: str, tools: Tools, tmp_path: Path):
    (tmp_path / "emulator").mkdir()
    with without(mend, tmp_path / "emulator") as running:
        try:
            life = live(program, ACCOUNT, running, tools, tmp_path)
        except (CommandError, ClientError):
            return
    assert complaints(life, program)


@pytest.mark.engine
def test_the_provider_is_refused_with_another_external_id(running: Emulator, tools: Tools, tmp_path: Path):
    trust = policy(
        "sts:AssumeRole",
        Principal={"AWS": f"arn:aws:iam::{OPERATIONS}:root"},
        Condition={"StringEquals": {"sts:ExternalId": "not-acme"}},
    )
    operations(running).assume(ACCOUNT, "any")("iam").create_role(RoleName="cicd", AssumeRolePolicyDocument=trust)
    with pytest.raises(CommandError, match="AccessDenied"):
        live("observation", ACCOUNT, running, tools, tmp_path)


def complaints(life: Life, program: str) -> list[str]:
    """Return what of a life is not as it should be."""
    changed = [name for step in ("again", "settled") for name, operation in life.operations[step].items() if operation != "same"]
    unseen = [name for name in DRIFTS[program] if all(life.operations["drifted"].get(key) == "same" for key in _keys(life, name))]
    return changed + unseen


def _keys(life: Life, name: str) -> list[str]:
    return [key for key in life.operations["created"] if key.endswith(f" {name}")]
