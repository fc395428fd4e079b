"""The set for previews of small programs: three projects in a repository of their own, branches, and an engine whose calls are counted."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from infra_assets.sandbox.tools import Tools
from infra_assets.sandbox.tools.model import write_note
from infra_assets.sandbox.tools.pins import inputs_hash
from tests.conftest import ROOT
from tests.end_to_end.house import House, Said

TEPS = ("amber-prod", "birch-prod", "cedar-prod")
FRESH = "fresh-test"
"""A TEP of the fleet that was never deployed, and has no environment yet."""
FLEET = yaml.safe_dump({"tenants": {tep.split("-")[0]: {"environments": {tep.split("-")[1]: {}}} for tep in (*TEPS, FRESH)}})
PROJECTS = ("account", "records", "app")
TOKEN = "first-t0ken-of-the-app"

ACCOUNT = """
import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()


def trust(found):
    deployer, external_id = found
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": deployer}}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        statement | {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}}
    ]})


policy = pulumi.Output.all(config.require("deployer_arn"), config.require_secret("external_id")).apply(trust)
roles = [aws.iam.Role(name, name=f"infra-{name}", assume_role_policy=policy) for name in ("deploy", "preview")]
pulumi.export("role_arns", [role.arn for role in roles])
"""
RECORDS = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
group = aws.cloudwatch.LogGroup("records", name="/records/app", retention_in_days=config.require_int("days"))
pulumi.export("arn", group.arn)
"""
# It comes before what it builds on in the alphabet.
APP = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
records = pulumi.StackReference(f"organization/records/{pulumi.get_stack()}")
aws.sns.Topic("app", display_name="app", tags={"records": records.require_output("arn")})
aws.sns.Topic("sealed", display_name=config.require_secret("token"))
"""
PROGRAMS: Mapping[str, tuple[str, str]] = {
    "account": (ACCOUNT, "{role: bootstrap}"),
    "records": (RECORDS, "{depends_on: [account]}"),
    "app": (APP, "{depends_on: [account, records]}"),
}


class Repository:
    """The programs' repository: what is merged lies on disk, as branch `main`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for project, (program, about) in PROGRAMS.items():
            folder = root / "pulumi_programs" / project
            folder.mkdir(parents=True)
            (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\ninfra: {about}\n")
            (folder / "__main__.py").write_text(program)
        shutil.copy(ROOT / "workspace.yaml", root)
        git(root, "init", "--quiet", "--initial-branch=main")
        self.merge("First version")

    def merge(self, message: str, **programs: str) -> None:
        """Commit these projects' programs to what is merged."""
        for project, program in programs.items():
            (self.root / "pulumi_programs" / project / "__main__.py").write_text(program)
        commit(self.root, message)

    def branch(self, name: str, **programs: str) -> None:
        """Propose other programs of these projects; what lies on disk is as before."""
        git(self.root, "checkout", "--quiet", "-b", name)
        self.merge(name, **programs)
        git(self.root, "checkout", "--quiet", "main")


class Engine:
    """A shim before the engine, which has a line for each call of it."""

    def __init__(self, folder: Path, tools: Tools, provider: str) -> None:
        self.cache = folder / "cache"
        """What the settings have to name for the shim to be found."""
        self._log = folder / "calls"
        self._log.touch()
        shim = folder / "pulumi"
        shim.write_text(f'#!/bin/sh\necho "$@" >> {self._log}\nexec {tools.pulumi} "$@"\n')
        shim.chmod(0o755)
        (self.cache / "tools").mkdir(parents=True)
        write_note(self.cache / "tools" / f"ready-{provider}-{inputs_hash()}.json", replace(tools, pulumi=shim))

    def called(self) -> list[str]:
        """Return the calls since the last time: `preview`, `preview --refresh`, `up`, `stack init`."""
        lines = self._log.read_text().splitlines()
        self._log.write_text("")
        words = [line.removeprefix("--non-interactive ").split() for line in lines]
        return sorted(" ".join(takewhile(lambda word: word == "--refresh" or not word.startswith("-"), line)) for line in words)


def git(folder: Path, *arguments: str) -> str:
    person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    return subprocess.run(["git", *person, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def configure(folder: Path, tep: str, token: str, **values: Any) -> Path:
    """Write a TEP's environment into a folder of environments; its secret is not sealed yet."""
    file = folder / "tenants" / f"{tep}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    configuration = {"app:token": {"fn::secret": token}, **values}
    file.write_text(json.dumps({"imports": ["shared/app", f"fleet/{tep}"], "values": {"pulumiConfig": configuration}}, indent=2))
    return file


def prepared(house: House) -> None:
    """Bring the fleet in and roll it out, but for the TEP without an environment."""
    house.write("shared/app", {"values": {"pulumiConfig": {"records:days": 30}}})
    for tep in TEPS:
        house.done("env", "seal", "--write", str(configure(house.environments, tep, TOKEN)))
    house.done("sandbox", "up")
    house.import_fleet(FLEET)
    house.done("rollout", "--wait", *(f"--tep={tep}" for tep in TEPS))


def cells(said: Said) -> dict[tuple[str, str], dict[str, Any]]:
    """Return a report's cells by project and TEP."""
    return {(cell["project"], cell["tep"]): cell for cell in said.json["cells"]}


def verdicts(said: Said, *but: str) -> dict[tuple[str, str], str]:
    """Return the verdicts of a report's cells that have another than these."""
    return {key: cell["verdict"] for key, cell in cells(said).items() if cell["verdict"] not in but}


def touched(resources: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
    """Return of resources what is done, to which, and which properties differ."""
    return [(item["operation"], item["name"], [each["path"] for each in item["properties"]]) for item in resources]


def frozen(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file below a folder, byte for byte, and when it was written."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
