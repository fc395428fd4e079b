"""Thirty TEPs with one tiny stack each, ten of them in each ring: what is needed to see a rollout in its middle."""

import json
import shutil
from pathlib import Path

import yaml

from tests.conftest import ROOT
from tests.end_to_end.house import House

TEPS = [f"tenant{number:02}-dev" for number in range(30)]
RINGS = ("internal", "beta", "regular")
PROJECT = "topics"
KEY = f"{PROJECT}:count"
PROGRAM = """
import pulumi
import pulumi_aws as aws

for number in range(pulumi.Config().require_int("count")):
    aws.sns.Topic(f"topic{number}")
"""


def write_programs(root: Path) -> None:
    """Write the project `topics`: as many SNS topics as it is told, each of a name that AWS has not seen before."""
    folder = root / "pulumi_programs" / PROJECT
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\ninfra: {{role: bootstrap}}\n")
    (folder / "__main__.py").write_text(PROGRAM)
    shutil.copy(ROOT / "workspace.yaml", root)


def import_fleet(house: House) -> None:
    """Bring the TEPs in; each is configured by `shared/topics` alone."""
    tenants = {
        tep.removesuffix("-dev"): {"ring": RINGS[number % len(RINGS)], "environments": {"dev": {}}} for number, tep in enumerate(TEPS)
    }
    for tep in TEPS:
        house.write(f"tenants/{tep}", {"imports": [f"shared/{PROJECT}", f"fleet/{tep}"]})
    _ask_for(house, 0)
    house.import_fleet(yaml.safe_dump({"tenants": tenants}))


def one_more(house: House) -> int:
    """Have one more topic in every TEP from the next rollout on, and return how many that are."""
    content = json.loads((house.environments / "shared" / f"{PROJECT}.yaml").read_text())
    count = content["values"]["pulumiConfig"][KEY] + 1
    _ask_for(house, count)
    return count


def _ask_for(house: House, count: int) -> None:
    house.write(f"shared/{PROJECT}", {"values": {"pulumiConfig": {KEY: count}}})
