"""Deploys the programs with the real engine and provider to the emulator, through the SDK's plain Automation API."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pulumi import automation as auto
from pulumi.automation.events import EngineEvent

from infra_assets.sandbox.emulator import Emulator, environment
from infra_assets.sandbox.tools import Tools
from tests.programs.recording import CONFIG, STACK, UNKNOWN, main_of

SETUP_ROLE = "OrganizationAccountAccessRole"
DEPLOY_ROLE = "infra-deploy"


@dataclass
class Outcome:
    """What an operation did: the names of resources by operation (`create`, `same` ...), and errors."""

    resources: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    messages: list[str] = field(default_factory=list)
    failed: bool = False

    def note(self, event: EngineEvent) -> None:
        """Take in what the engine reports."""
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            kind = auto.OpType(metadata.op).value
            if metadata.type != "pulumi:pulumi:StackReference":
                self.resources[kind].add(f"{metadata.type} {metadata.urn.split('::')[-1]}")
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            self.messages.append(event.diagnostic_event.message)

    @property
    def changes(self) -> dict[str, set[str]]:
        """All but what stayed the same."""
        return {kind: names for kind, names in self.resources.items() if kind not in ("same", "read", "refresh")}


@dataclass
class Tenant:
    """One tenant's stacks in an AWS account of their own."""

    tools: Tools
    emulator: Emulator
    folder: Path
    account: str

    def up(self, project: str, config: Mapping[str, str] | None = None) -> Outcome:
        """Deploy."""
        return self._run(project, config, lambda stack, note: stack.up(on_event=note, show_secrets=False))

    def check(self, project: str) -> Outcome:
        """Compare declaration, state and cloud; change nothing."""
        return self._run(project, None, lambda stack, note: stack.preview(refresh=True, on_event=note))

    def preview(self, project: str) -> Outcome:
        """Say what deploying would do; change nothing."""
        return self._run(project, None, lambda stack, note: stack.preview(on_event=note))

    def destroy(self, project: str) -> Outcome:
        """Delete all."""
        return self._run(project, None, lambda stack, note: stack.destroy(on_event=note))

    def state(self, project: str) -> str:
        """Return the stack's state as it is stored."""
        return self._state_file(project).read_text()

    def imagined(self, folder: Path, *projects: str) -> "Tenant":
        """Return a copy of it, kept in `folder`, in which nobody knows yet what these projects will have for outputs."""
        copy = replace(self, folder=shutil.copytree(self.folder, folder, symlinks=True))
        for project in projects:
            file = copy._state_file(project)
            state = json.loads(file.read_text())
            stack = next(item for item in state["checkpoint"]["latest"]["resources"] if item["type"] == "pulumi:pulumi:Stack")
            stack["outputs"] = dict.fromkeys(stack["outputs"], UNKNOWN)
            file.write_text(json.dumps(state))
        return copy

    def _state_file(self, project: str) -> Path:
        return next(self.folder.rglob(f"stacks/{project}/{STACK}.json"))

    def _run(
        self,
        project: str,
        config: Mapping[str, str] | None,
        operation: Callable[[auto.Stack, Callable[[EngineEvent], None]], object],
    ) -> Outcome:
        outcome = Outcome()
        stack = self._stack(project, config)
        try:
            operation(stack, outcome.note)
        except auto.CommandError:
            outcome.failed = True
        return outcome

    def _stack(self, project: str, config: Mapping[str, str] | None) -> auto.Stack:
        # The SDK looks for bin/pulumi in a folder.
        binary = self.folder / "engine" / "bin" / "pulumi"
        binary.parent.mkdir(parents=True, exist_ok=True)
        if not binary.exists():
            binary.symlink_to(self.tools.pulumi)
        settings = auto.ProjectSettings(name=project, runtime="python", backend=auto.ProjectBackend(url=f"file://{self.folder}"))
        options = auto.LocalWorkspaceOptions(
            project_settings=settings,
            pulumi_command=auto.PulumiCommand(root=str(binary.parents[1])),
            env_vars=self._environment(),
        )
        stack = auto.create_or_select_stack(stack_name=STACK, project_name=project, program=main_of(project), opts=options)
        # The external id is a secret here, to see that it is stored as one.
        given = self._config(project, config).items()
        stack.set_all_config({key: auto.ConfigValue(value, secret=key == "account:external_id") for key, value in given})
        return stack

    def _environment(self) -> dict[str, str]:
        return {
            **environment(self.emulator),
            "PULUMI_HOME": str(self.tools.pulumi_home),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def _config(self, project: str, config: Mapping[str, str] | None) -> dict[str, str]:
        role = {"roleArn": f"arn:aws:iam::{self.account}:role/{SETUP_ROLE}"}
        if project != "account":
            role = {"roleArn": f"arn:aws:iam::{self.account}:role/{DEPLOY_ROLE}", "externalId": CONFIG["account"]["external_id"]}
        provider = {
            "aws:region": "eu-west-1",
            "aws:accessKey": "operations",
            "aws:secretKey": "operations",
            "aws:assumeRoles": json.dumps([role]),
            "aws:allowedAccountIds": json.dumps([self.account]),
            "aws:defaultTags": json.dumps({"tags": {"tenant": "acme", "environment": "prod", "project": project}}),
        }
        return {**provider, **{f"{project}:{key}": value for key, value in (config or CONFIG[project]).items()}}
