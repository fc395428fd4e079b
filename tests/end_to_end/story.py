"""The set of the story of rollouts: small programs in a repository, branches to merge into, a fleet in three rings, and how to wait."""

import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra_assets.fleet.database import connect
from infra_assets.rollouts.models import Rollout, State
from infra_assets.rollouts.store import RolloutStore
from infra_assets.sandbox.emulator import calls
from infra_assets.stacks.ledger import Entry
from tests.conftest import ROOT
from tests.end_to_end.house import House, Said, wait_for

INTERNAL = ("ourcompany-prod", "showroom-prod", "training-prod", "partner-prod")
BETA = ("amber-prod", "birch-prod", "cedar-prod")
REGULAR = ("elm-prod", "fir-prod", "gorse-prod", "holly-prod")
EVERYONE = (*INTERNAL, *BETA, *REGULAR)
OWN_SENDER = ("cedar-prod", "fir-prod")
"""They have a sender of their own: what is shared does not concern them."""

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
role = aws.iam.Role("deploy", name="infra-deploy", assume_role_policy=policy)
pulumi.export("deploy_role_arn", role.arn)
"""
MAIL = """
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
quota = config.require_int("quota")
if quota > {most}:
    raise ValueError(f"mail:quota is {{quota}}, and version {version} takes {most} at most")
topic = aws.sns.Topic("mail", name="{topic}", display_name="{version} from " + config.require("sender"))
pulumi.export("topic_arn", topic.arn)
"""
SHOP = """
import pulumi
import pulumi_aws as aws

aws.cloudwatch.LogGroup("shop", name="/shop/" + pulumi.Config().require("size"))
"""
ABOUT = {"account": "{role: bootstrap}", "mail": "{depends_on: [account]}", "shop": "{depends_on: [account, mail]}"}
TARGETS = """
programs: .
targets:
  prod-beta:
    environments: [prod]
    rings: [beta]
    limits: {limits}
  prod:
    environments: [prod]
    max_failures: 2
"""


class Story:
    """The stage: what is merged, edited and deployed, and what has come of it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.commits: dict[str, str] = {}
        self.played: dict[str, Rollout] = {}
        """The rollouts of the story, by what they are in it."""
        self._seen: set[str] = set()

    @property
    def store(self) -> RolloutStore:
        return RolloutStore(connect(self.house.settings.database_url))

    # What people do.

    def write_targets(self, limits: str = "{}") -> None:
        self.house.targets.write_text(TARGETS.replace("{limits}", limits))

    def share(self, sender: str) -> None:
        """Edit the value that all tenants share."""
        self.house.write("shared/app", {"values": {"pulumiConfig": {"mail:sender": sender}}})

    def configure(self, tep: str, quota: int) -> None:
        own = {"mail:sender": f"{tep}@example.org"} if tep in OWN_SENDER else {}
        configuration = {"mail:quota": quota, "shop:size": "small", **own}
        self.house.write(f"tenants/{tep}", {"imports": ["shared/app", f"fleet/{tep}"], "values": {"pulumiConfig": configuration}})

    def commit(self, version: str, *, most: int, topic: str = "mail") -> str:
        """Commit a version of the program `mail`."""
        (self.house.root / "pulumi_programs" / "mail" / "__main__.py").write_text(MAIL.format(version=version, most=most, topic=topic))
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", f"Version {version}")
        self.commits[version] = self._git("rev-parse", "HEAD")
        return self.commits[version]

    def merge(self, version: str, branch: str) -> None:
        """Promote exactly that commit: the branch is moved forward to it."""
        self._git("push", "--quiet", ".", f"{self.commits[version]}:refs/heads/{branch}")

    def _git(self, *arguments: str) -> str:
        person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(["git", *person, *arguments], cwd=self.house.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    # What comes of it.

    def next(self, name: str, *, target: str, kind: str, seconds: float = 120) -> Rollout:
        """Wait until a target has a new rollout for this kind of trigger and it stands or has ended; `name` it."""
        found: Rollout = wait_for(name, lambda: self._new(target, kind), seconds)
        self._seen.add(found.id)
        self.played[name] = found
        return found

    def _new(self, target: str, kind: str) -> Rollout | None:
        for rollout in self.store.rollouts(target=target):
            fits = rollout.id not in self._seen and rollout.triggers[0].kind == kind and rollout.state not in (State.PENDING, State.RUNNING)
            if fits and self.store.cells(rollout.id):
                return rollout
        return None

    def now(self, name: str) -> Rollout:
        return self.store.get(self.played[name].id)

    def states(self, name: str) -> dict[str, dict[str, str]]:
        """Return a rollout's cells that were not `unchanged`: by TEP, what has become of each project."""
        found: dict[str, dict[str, str]] = {}
        for cell in self.store.cells(self.played[name].id):
            if cell.state != "unchanged":
                found.setdefault(cell.tep, {})[cell.project] = cell.state
        return found

    def operations(self, name: str) -> list[Entry]:
        """Return what the ledger has of a rollout, oldest first."""
        return sorted(self.house.ledger.of_rollout(self.played[name].id), key=lambda entry: entry.id)

    def quiet(self, seconds: float = 90) -> None:
        """Wait until nothing moves and nothing is pending but what a halted rollout keeps."""
        wait_for("nothing to move", lambda: not [r for r in self.store.opened() if r.state != State.HALTED], seconds)

    def names(self, teps: Collection[str] = EVERYONE) -> dict[str, str]:
        """Return, as AWS has it, the display name of each TEP's topic: the program's version, and the sender that it was given."""
        return {tep: self._name(tep) for tep in teps}

    def _name(self, tep: str) -> str:
        sns = self.house.client(self.house.registry.get(tep), "sns")
        (topic,) = sns.list_topics()["Topics"]
        return sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["DisplayName"]

    def topics(self, tep: str) -> list[str]:
        topics = self.house.client(self.house.registry.get(tep), "sns").list_topics()["Topics"]
        return [topic["TopicArn"].rpartition(":")[2] for topic in topics]

    def last_call(self) -> int:
        return max(call.n for call in calls(self.house.emulator))

    def touched_since(self, call: int) -> set[str]:
        """Return the TEPs in whose accounts AWS has seen anything since a call."""
        teps = {tep.account_id: tep.name for tep in self.house.registry.list()}
        return {teps[found.account] for found in calls(self.house.emulator, since=call) if found.account in teps}


def settled(look: Callable[[], Any], seconds: float) -> Any:
    """Return what a look gives when it has given the same for some seconds: that something does not happen."""
    seen, since = look(), time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(0.5)
        if (now := look()) != seen:
            seen, since = now, time.monotonic()
    return seen


def opened(root: Path, home: Path) -> Story:
    """Return a story before its first scene: nothing is merged, nothing deployed."""
    for project, about in ABOUT.items():
        folder = root / "pulumi_programs" / project
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\ninfra: {about}\n")
    for project, program in (("account", ACCOUNT), ("shop", SHOP)):
        (root / "pulumi_programs" / project / "__main__.py").write_text(program)
    shutil.copy(ROOT / "workspace.yaml", root)
    house = House(root, home, cap=5)
    house.variables |= {"INFRA_GIT_INTERVAL_S": "1", "INFRA_ENVIRONMENTS_INTERVAL_S": "1"}
    story = Story(house)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(root)], check=True)
    story.write_targets()
    story.share("shop@example.com")
    for tep in EVERYONE:
        story.configure(tep, quota={"birch-prod": 500, **dict.fromkeys(INTERNAL[1:], 50)}.get(tep, 1))
    return story


def fleet() -> str:
    """Return the fleet file."""
    tenants: Mapping[str, Sequence[str]] = {"internal": INTERNAL, "beta": BETA, "regular": REGULAR}
    lines = [
        f"  {tep.removesuffix('-prod')}: {{ring: {ring}, environments: {{prod: {{}}}}}}" for ring, teps in tenants.items() for tep in teps
    ]
    return "\n".join(["tenants:", *lines])


def kept(folder: Path, name: str, said: Said) -> None:
    """Keep what a person sees on a terminal."""
    (folder / f"story-{name}.txt").write_text(f"{said.out}\n--- stderr, exit code {said.code}\n{said.err}")
