"""Runs a program against the SDK's mocks and records what it registers: no engine, no provider, no cloud."""

import asyncio
import contextvars
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.runtime import mocks, rpc, set_all_config, set_mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

PROGRAMS = Path(__file__).parents[2] / "pulumi_programs"
ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/infra-boundary"
ZONES = ["eu-west-1c", "eu-west-1a", "eu-west-1b"]
STACK = "acme-prod"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands in a state for a value that only a deployment will tell (the engine's `computedValuePlaceholder`)."""

UPSTREAM: dict[str, dict[str, Any]] = {
    "account": {"account_id": ACCOUNT, "boundary_arn": BOUNDARY},
    "network": {"vpc_id": "vpc-1", "private_subnet_ids": ["subnet-1", "subnet-2"]},
}
CONFIG: dict[str, dict[str, str]] = {
    "account": {"external_id": "acme-4f1c", "deployer_arn": "arn:aws:iam::123456789012:role/control-plane"},
    "network": {"cidr": "10.20.0.0/16"},
    "cluster": {"instance_type": "t3.medium", "min_size": "1", "desired": "2", "max_size": "4"},
}


@dataclass(frozen=True)
class Registered:
    """One resource as the program asked for it. `inputs` are named as the engine sees them (camelCase)."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: frozenset[str]


@dataclass
class Recorded:
    """All that a program asked for."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def of(self, type_: str) -> list[Registered]:
        """Return the resources of a type, in the order of their names."""
        return sorted((item for item in self.resources if item.type == type_), key=lambda item: item.name)

    def one(self, type_: str, name: str | None = None) -> Registered:
        """Return the only resource of a type, or the one of that name."""
        found = [item for item in self.of(type_) if name in (None, item.name)]
        assert len(found) == 1, f"{type_} {name}: {[item.name for item in self.of(type_)]}"
        return found[0]


class Cloud(mocks.Mocks):
    """Answers as the provider would, as far as the programs look."""

    def __init__(self, recorded: Recorded, upstream: Mapping[str, Mapping[str, Any]]) -> None:
        self._recorded = recorded
        self._upstream = upstream

    def call(self, args: mocks.MockCallArgs) -> Any:
        self._recorded.calls.append(args.token)
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": ACCOUNT, "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/setup/session", "id": ACCOUNT, "userId": "A"}
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                return {"names": ZONES, "id": "eu-west-1", "zoneIds": [], "groupNames": [], "region": "eu-west-1"}
            case unknown:
                raise AssertionError(f"unexpected call {unknown}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            project = args.name.split("/")[1]
            return args.name, {"name": args.name, "outputs": dict(self._upstream[project]), "secretOutputNames": []}
        name = args.inputs.get("name") or f"{args.name}-1a2b3c4"
        made = {"name": name, "arn": f"arn:aws:x:eu-west-1:{ACCOUNT}:{name}", "publicIp": "203.0.113.7", "latestVersion": 7}
        if args.typ == "aws:iam/policy:Policy":
            made["arn"] = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        return f"{args.name}-id", {**made, **args.inputs}


class Monitor(mocks.MockMonitor):
    """Also notes parents and dependencies, which mocks don't get to see, and the stack's outputs."""

    def __init__(self, cloud: Cloud, recorded: Recorded) -> None:
        super().__init__(cloud)
        self._recorded = recorded

    def ReadResource(self, request: Any) -> Any:  # noqa: N802  # the names are those of the engine's protocol
        self._recorded.reads.append(request.name)
        return super().ReadResource(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            parent = request.parent.split("::")[2].split("$")[-1]
            depends_on = frozenset(urn.split("::")[-1] for urn in request.dependencies)
            inputs = rpc.deserialize_properties(request.object)
            self._recorded.resources.append(Registered(request.type, request.name, parent, inputs, depends_on))
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if "::pulumi:pulumi:Stack::" in request.urn:
            self._recorded.outputs.update(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)


Program = Callable[[], Any]
Run = Callable[..., Recorded]
Refused = Callable[..., str]


def main_of(project: str) -> Program:
    """Return what the engine runs: the project's `__main__.py`."""
    return lambda: runpy.run_path(str(PROGRAMS / project / "__main__.py"), run_name="__main__") and None


def _in_stack(
    program: Program, project: str, config: Mapping[str, str], secrets: list[str], cloud: Cloud, recorded: Recorded, preview: bool
) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        monitor = Monitor(cloud, recorded)
        set_mocks(cloud, project=project, stack=STACK, preview=preview, monitor=monitor, organization="organization")
        # set_mocks makes a root of its own; a program runs in one that exports its outputs.
        set_root_resource(None)  # pyright: ignore[reportArgumentType]
        set_all_config({f"{project}:{key}": value for key, value in config.items()}, [f"{project}:{key}" for key in secrets])
        loop.run_until_complete(run_in_stack(program))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def record(
    project: str,
    config: Mapping[str, str] | None = None,
    *,
    program: Program | None = None,
    upstream: Mapping[str, Mapping[str, Any]] = UPSTREAM,
    secrets: list[str] | None = None,
    preview: bool = False,
    **changes: str,
) -> Recorded:
    """Run a project's program, or any other in its place, and return what it asked for.

    `config`: all of the project's keys; without it a fitting set, with `changes`. `secrets`: which keys are secret.
    """
    recorded = Recorded()
    given = {**CONFIG.get(project, {}), **changes} if config is None else config
    cloud = Cloud(recorded, upstream)
    # A context of its own, as the SDK gives every inline program: nothing of one run is left to the next.
    contextvars.copy_context().run(_in_stack, program or main_of(project), project, given, secrets or [], cloud, recorded, preview)
    return recorded
