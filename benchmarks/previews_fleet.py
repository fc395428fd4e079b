"""A fleet whose first TEP is deployed and whose others are its copies: registered, with accounts, states and successes, never deployed.

Of four TEPs three take the layer that is going to be edited; only `cluster` reads it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolution import Resolution
from infra_assets.fleet.accounts import PREVIEW_ROLE, Organization, role_arn
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.registry import Registry
from infra_assets.sandbox import cloud, tools
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.configurations import fingerprint_key
from infra_assets.stacks.inputs import Surroundings, details, effective_inputs
from infra_assets.stacks.ledger import Entry, Key, Ledger, operations
from infra_assets.stacks.projects import Project, discover
from infra_assets.stacks.state import FolderStore, checkpoint_path

EDITED, KEY = "shared/size", "cluster:max_size"
BEFORE, AFTER = 2, 3
NOT_TAKING = 4
"""Every so many TEPs one does not take the edited layer."""
LAYER = "values:\n  pulumiConfig:\n    {key}: {value}\n"
LEAF = """\
imports: [shared/app, shared/account, shared/network, shared/cluster, {size}ring/regular, tenants/{tenant}, fleet/{tep}]
values:
  pulumiConfig:
    network:cidr: 10.11.0.0/16
"""
TENANT = "values:\n  pulumiConfig: {}\n"


def write_root(root: Path, ours: Path, count: int) -> list[Tep]:
    """Write a project's folder with the environments of so many TEPs, and a proposal beside it; returns the TEPs, without accounts."""
    for name in ("pulumi_programs", "environments", "dagster_home"):
        shutil.copytree(ours / name, root / name, ignore=_ignored)
    shutil.copy(ours / "workspace.yaml", root)
    _write(root / "environments", EDITED, LAYER.format(key=KEY, value=BEFORE))
    _write(root / "proposal", EDITED, LAYER.format(key=KEY, value=AFTER))
    teps = [Tep(f"tenant{number:04}", "prod", Ring.REGULAR, "us-east-1", "", f"external-{number:04}") for number in range(count)]
    for number, tep in enumerate(teps):
        size = "" if number % NOT_TAKING == NOT_TAKING - 1 else f"{EDITED}, "
        _write(root / "environments", f"tenants/{tep.tenant}", TENANT)
        _write(root / "environments", f"tenants/{tep.name}", LEAF.format(size=size, tenant=tep.tenant, tep=tep.name))
    return teps


def _ignored(folder: str, names: Sequence[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or (folder.endswith("dagster_home") and name != "dagster.yaml")}


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def register(configured: Settings, teps: Sequence[Tep]) -> list[Tep]:
    """Make the TEPs' accounts, and register them."""
    organization = Organization(cloud.Aws(cloud.environment(configured)), email=configured.account_email)
    organization.ensure()
    made = [replace(tep, account_id=organization.create_account(tep.name)) for tep in teps]
    Registry(connect(configured.database_url)).save(made)
    return made


def copy_all(configured: Settings, model: Tep, teps: Sequence[Tep]) -> None:
    """Have the TEPs look as if they were deployed as the model is."""
    aws = cloud.Aws(cloud.environment(configured))
    trust = _iam(aws, model).get_role(RoleName=PREVIEW_ROLE)["Role"]["AssumeRolePolicyDocument"]
    for tep in teps:
        iam = _iam(aws, tep)
        iam.create_role(RoleName=PREVIEW_ROLE, AssumeRolePolicyDocument=_as(str(trust).replace("'", '"'), model, tep))
        iam.attach_role_policy(RoleName=PREVIEW_ROLE, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    projects = discover(configured.root).tenant_projects()
    _copy_states(Path(configured.state_backend.removeprefix("file://")), projects, model, teps)
    resolutions = open_resolver(configured, lambda: teps).resolve_all(teps, discover(configured.root).wanted())
    entries = Ledger(connect(configured.database_url)).successes([model.name])
    around = _surroundings(configured)
    rows = [row for tep in teps for row in _rows(tep, projects, resolutions[tep.name], entries, model, around)]
    with connect(configured.database_url).begin() as connection:
        connection.execute(sa.insert(operations), rows)


def _iam(aws: cloud.Aws, tep: Tep) -> Any:
    session = aws.session(role_arn=role_arn(tep, "bootstrap"), external_id=tep.external_id)
    return aws.client(session, "iam", "us-east-1")


def _as(text: str, model: Tep, tep: Tep) -> str:
    """Return what is said of the model as it would be said of another."""
    pairs = ((model.tenant, tep.tenant), (model.account_id, tep.account_id), (model.external_id, tep.external_id))
    for before, after in pairs:
        text = text.replace(before, after)
    return text


def _copy_states(folder: Path, projects: Sequence[Project], model: Tep, teps: Sequence[Tep]) -> None:
    store = FolderStore(folder)
    for project in projects:
        content = (store.read(checkpoint_path(project.name, model.name)) or b"").decode()
        for tep in teps:
            (folder / checkpoint_path(project.name, tep.name)).write_text(_as(content, model, tep), encoding="utf-8")


def _surroundings(configured: Settings) -> Surroundings:
    found = tools.find(configured)
    assert found is not None
    return Surroundings(found.engine_version, found.provider_version, fingerprint_key(configured))


def _rows(
    tep: Tep, projects: Sequence[Project], resolution: Resolution, entries: dict[Key, Entry], model: Tep, around: Surroundings
) -> list[dict[str, Any]]:
    done: dict[Key, Entry] = {}
    rows: list[dict[str, Any]] = []
    for project in projects:
        entry = entries[model.name, project.name]
        cell, configuration = Cell(project, tep), resolution.cell(project.name)
        inputs = effective_inputs(cell, configuration, done, around).as_mapping()
        environments = dict(resolution.closure)
        row = {
            name: getattr(entry, name)
            for name in (
                "project", "operation", "state", "changes", "resources", "outputs", "outputs_hash", "started_at", "finished_at", "message",
                "commit",
            )
        }  # fmt: skip
        rested_on = details(cell, configuration, done, around.key)
        rows.append(row | {"tep": tep.name, "inputs": inputs, "environments": environments, "details": rested_on})
        done[cell.key] = replace(entry, tep=tep.name)
    return rows
