"""One stack's life on the real engine: created, left alone, changed, left alone, changed by hand, destroyed."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pulumi import automation as auto
from pulumi.automation.events import EngineEvent

from infra_assets.sandbox import emulator
from infra_assets.sandbox.emulator import Emulator
from infra_assets.sandbox.tools import Tools
from tests.sandbox.emulator.clients import REGION, operations
from tests.sandbox.emulator.drifts import DRIFTS
from tests.sandbox.emulator.programs import PROGRAMS

DEFAULT_TAGS = {"tenant": "acme", "environment": "prod"}


@dataclass
class Life:
    """What happened to each resource (by name) in each step, and the calls to AWS that the step made."""

    operations: dict[str, dict[str, str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    changing_calls: dict[str, list[str]] = field(default_factory=dict)


def live(program: str, account: str, running: Emulator, tools: Tools, folder: Path) -> Life:
    """Run all steps for one program in an account of its own."""
    stack = _stack(program, account, running, tools, folder)
    life = Life()

    def step(name: str, action: str, **options: object) -> None:
        seen: dict[str, str] = {}
        first, begun = _last_call(running), time.monotonic()
        getattr(stack, action)(on_event=lambda event: _note(seen, event), **options)
        life.operations[name], life.seconds[name] = seen, time.monotonic() - begun
        life.changing_calls[name] = [f"{call.service}:{call.action}" for call in emulator.calls(running, first) if not call.read_only]

    step("created", "up", program=lambda: PROGRAMS[program](False))
    step("again", "up", refresh=True, program=lambda: PROGRAMS[program](False))
    step("changed", "up", program=lambda: PROGRAMS[program](True))
    step("settled", "preview", refresh=True, program=lambda: PROGRAMS[program](True))
    outputs: Mapping[str, str] = {name: output.value for name, output in stack.outputs().items()}
    clients = operations(running).assume(account)
    for drift in DRIFTS[program].values():
        drift(clients, outputs)
    step("drifted", "preview", refresh=True, program=lambda: PROGRAMS[program](True))
    step("destroyed", "destroy")
    return life


def _note(seen: dict[str, str], event: EngineEvent) -> None:
    """Keep what becomes of a resource; "same" only where nothing else is said, and a refresh's finding that it is gone."""
    told = event.resource_pre_event or event.res_outputs_event
    if told is None or not told.metadata.type.startswith("aws:"):
        return
    operation, name = str(getattr(told.metadata.op, "value", told.metadata.op)), told.metadata.urn.rsplit("::", 1)[-1]
    if operation not in ("refresh", "read"):
        key = f"{told.metadata.type} {name}"
        seen[key] = seen.get(key, operation) if operation == "same" else operation


def _stack(program: str, account: str, running: Emulator, tools: Tools, folder: Path) -> auto.Stack:
    (folder / "state").mkdir(exist_ok=True)
    (folder / "bin").mkdir(exist_ok=True)
    if not (folder / "bin" / "pulumi").exists():
        (folder / "bin" / "pulumi").symlink_to(tools.pulumi)
    variables = emulator.environment(running) | {
        "PULUMI_HOME": str(tools.pulumi_home),
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    settings = auto.ProjectSettings(name=program, runtime="python", backend=auto.ProjectBackend(url=(folder / "state").as_uri()))
    options = auto.LocalWorkspaceOptions(project_settings=settings, env_vars=variables, pulumi_command=auto.PulumiCommand(root=str(folder)))
    stack = auto.create_or_select_stack("acme-prod", program, lambda: None, opts=options)
    roles = [{"roleArn": f"arn:aws:iam::{account}:role/cicd", "externalId": "acme", "sessionName": "infra"}]
    values = {
        "aws:region": REGION,
        "aws:accessKey": "sandbox",
        "aws:secretKey": "x",
        "aws:assumeRoles": json.dumps(roles),
        "aws:allowedAccountIds": json.dumps([account]),
        "aws:defaultTags": json.dumps({"tags": DEFAULT_TAGS}),
    }
    stack.set_all_config({name: auto.ConfigValue(value) for name, value in values.items()})
    return stack


def _last_call(running: Emulator) -> int:
    calls = emulator.calls(running)
    return calls[-1].n if calls else 0
