"""A fleet that is deployed, to plan with: eight projects, eight documents a TEP as in the sample, and a ledger of successes.

Nothing of it was ever deployed: the ledger is filled with what a plan computes.
"""

import base64
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.environments_fleet import write
from infra_assets.environments.language.envelope import seal_envelope
from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolution import Resolution
from infra_assets.environments.sealing import sealer
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect, now
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.registry import Registry
from infra_assets.garbage import uncollected
from infra_assets.sandbox import tools
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.configurations import fingerprint_key
from infra_assets.stacks.inputs import Surroundings, details, effective_inputs
from infra_assets.stacks.ledger import DEPLOYED, Entry, Key, operations
from infra_assets.stacks.projects import Project, discover

DEPENDS_ON = {
    "account": (),
    "network": ("account",),
    "cluster": ("account", "network"),
    "database": ("account", "network"),
    "service": ("cluster", "database"),
    "observability": ("service",),
    "site": ("service",),
    "edge": ("site",),
}
RINGS = (Ring.INTERNAL, Ring.BETA, Ring.REGULAR)
ENVIRONMENTS = ("prod", "stag", "test")
OWN_SIZE = 5
"""Every so many TEPs one sets the edited value itself: for these the edit changes nothing."""
EDITED = "shared/cluster"
BEFORE, AFTER = "    cluster:max_size: 3\n", "    cluster:max_size: 4\n"
MOVED = ("cluster", "service", "observability", "site", "edge")
"""The projects that the edit concerns, itself or by what is upstream."""
BATCH = 2_000

ACCESS = """\
tenants: [shared/*, ring/*, "tenants/{tenant}", "fleet/{environment}"]
shared: [shared/*]
ring: [shared/*]
fleet: []
"""
PROJECT = """\
name: {name}
runtime: python
description: Nothing
infra:
  depends_on: [{depends_on}]
  role: {role}
"""
PROGRAM = "import pulumi\n\npulumi.export('name', pulumi.get_stack())\n"
APP = """\
description: Settings of the product, for every tenant
values:
  retention: {days: 30}
  budget: {monthlyUsd: 200}
  product: {name: shop, domain: example.com, registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com}
  pulumiConfig:
    aws:defaultTags:
      tags: {product: shop}
"""
ACCOUNT = """\
description: Defaults of account, observability and site
values:
  pulumiConfig:
    account:budget_usd: ${environments.shared.app.budget.monthlyUsd}
    account:log_retention_days: ${environments.shared.app.retention.days}
    observability:retention_days: ${environments.shared.app.retention.days}
    observability:alarms: {cpu: 80, memory: 85, errors: 1}
    observability:dashboards: [traffic, cost, errors]
    site:locales: [en, de, fr, es]
    site:cache: {seconds: 300, compress: true}
"""
NETWORK = """\
description: Defaults of network and edge
values:
  pulumiConfig:
    network:zones: 2
    network:nat: single
    network:flow_log_retention_days: ${environments.shared.app.retention.days}
    network:endpoints: [s3, ecr, sts, logs]
    edge:rules: {rate: 1000, countries: []}
    edge:certificate: "*.${environments.shared.app.product.domain}"
"""
CLUSTER = """\
description: Defaults of cluster, database and service
values:
  pulumiConfig:
    cluster:instance_type: t3.small
    cluster:min_size: 1
    cluster:desired: 1
    cluster:max_size: 3
    database:engine: postgres
    database:version: "16.4"
    database:storage_gb: 20
    database:backup: {days: 7, window: "03:00-04:00"}
    service:image: ${environments.shared.app.product.registry}/${environments.shared.app.product.name}
    service:replicas: 2
    service:limits: {cpu: 512, memory: 1024}
    service:timeouts: {connect: 5, read: 30, idle: 300}
"""
RING = """\
values:
  pulumiConfig:
    cluster:target_capacity: {capacity}
    service:version: {version}
"""
TENANT = """\
description: A customer
values:
  tenant: {{name: {tenant}, owner: team-{number}@example.com}}
  pulumiConfig:
    account:budget_usd: {budget}
    account:budget_email:
      fn::secret: {{ciphertext: {sealed}}}
    service:owner: ${{tenant.owner}}
"""
LEAF = """\
imports:
  - shared/app
  - shared/account
  - shared/network
  - shared/cluster
  - ring/{ring}
  - tenants/{tenant}
  - fleet/{tep} # facts and logins, written from the fleet's register
values:
  pulumiConfig:
    network:cidr: 10.{number}.0.0/16
    cluster:instance_type: t3.large
    cluster:desired: {desired}
    site:hostname: {tep}.${{environments.shared.app.product.domain}}
"""


def write_root(root: Path, seal_key: str) -> None:
    """Write a project's folder: settings by `environment`, programs, and the layers that all TEPs share."""
    write_programs(root / "pulumi_programs")
    (root / "workspace.yaml").write_text("load_from: []\n", encoding="utf-8")
    (root / "seal.key").touch(mode=0o600)
    (root / "seal.key").write_text(f"{seal_key}\n", encoding="utf-8")
    folder = root / "environments"
    folder.mkdir()
    (folder / "access.yaml").write_text(ACCESS, encoding="utf-8")
    for name, text in {"app": APP, "account": ACCOUNT, "network": NETWORK, "cluster": CLUSTER}.items():
        write(folder, f"shared/{name}", text)
    for number, ring in enumerate(RINGS):
        write(folder, f"ring/{ring}", RING.format(capacity=100 - 5 * number, version=f"1.{number}.0"))


def write_programs(folder: Path) -> None:
    """Write eight projects that deploy nothing."""
    for name, upstream in DEPENDS_ON.items():
        (folder / name).mkdir(parents=True)
        role = "deploy" if upstream else "bootstrap"
        (folder / name / "Pulumi.yaml").write_text(PROJECT.format(name=name, depends_on=", ".join(upstream), role=role), encoding="utf-8")
        (folder / name / "__main__.py").write_text(PROGRAM, encoding="utf-8")


def environment(root: Path) -> dict[str, str]:
    """Return the settings under which a plan is made there: no AWS is asked for anything."""
    return {
        **os.environ,
        "INFRA_ROOT": str(root),
        "INFRA_HOME": str(root / "home"),
        "INFRA_CLOUD": "aws",
        "INFRA_PASSPHRASE": "benchmark",
        "INFRA_SEAL_KEY_FILE": str(root / "seal.key"),
    }


def new_key() -> str:
    """Return a key that seals."""
    return base64.b64encode(os.urandom(32)).decode()


def fill(configured: Settings, count: int) -> None:
    """Bring so many TEPs in, write their environments, and have the ledger say that all of their cells are deployed."""
    teps = [_tep(number) for number in range(count)]
    _write_tenants(configured, teps)
    Registry(connect(configured.database_url)).save(teps)
    catalogue = discover(configured.root)
    with uncollected():
        resolutions = open_resolver(configured, lambda: teps).resolve_all(teps, catalogue.wanted())
        rows = _successes(configured, teps, catalogue.tenant_projects(), resolutions)
        with connect(configured.database_url).begin() as connection:
            while batch := list(islice(rows, BATCH)):
                connection.execute(sa.insert(operations), batch)


def _tep(number: int) -> Tep:
    ring = RINGS[number % 3]
    return Tep(f"customer{number // 3:04}", ENVIRONMENTS[number % 3], ring, "us-east-1", f"{number:012}", f"external-{number}")


def _write_tenants(configured: Settings, teps: Sequence[Tep]) -> None:
    folder = configured.root / "environments"
    keys = sealer(configured)
    for number, tep in enumerate(teps):
        if number % 3 == 0:
            sealed = seal_envelope(keys.encrypt(f"budget@{tep.tenant}.example.com".encode()))
            write(
                folder, f"tenants/{tep.tenant}", TENANT.format(tenant=tep.tenant, number=number, budget=100 + number % 900, sealed=sealed)
            )
        text = LEAF.format(ring=tep.ring, tenant=tep.tenant, tep=tep.name, number=number % 250, desired=number % 7 + 1)
        write(folder, f"tenants/{tep.name}", text + ("    cluster:max_size: 9\n" if number % OWN_SIZE == 0 else ""))


def _successes(
    configured: Settings, teps: Sequence[Tep], projects: Sequence[Project], resolutions: dict[str, Resolution]
) -> Iterator[dict[str, Any]]:
    found = tools.find(configured)
    if found is None:
        raise InfraError("the Pulumi engine and the AWS provider are not set up", remedy="infra sandbox up gets them.")
    around = Surroundings(found.engine_version, found.provider_version, fingerprint_key(configured))
    began = now() - timedelta(days=1)
    for tep in teps:
        resolution = resolutions[tep.name]
        if resolution.problems:
            raise InfraError(f"{tep.name}: {resolution.problems[0]}")
        done: dict[Key, Entry] = {}
        for project in projects:
            cell, configuration = Cell(project, tep), resolution.cell(project.name)
            row: dict[str, Any] = {
                "tep": tep.name, "project": project.name, "operation": "up", "state": DEPLOYED, "changes": {"create": 13}, "resources": 13,
                "inputs": effective_inputs(cell, configuration, done, around).as_mapping(),
                "outputs": {f"{project.name}_{part}": None for part in ("id", "arn", "name", "address", "role")},
                "outputs_hash": sha256(cell.name.encode()).hexdigest(), "run_id": sha256(tep.name.encode()).hexdigest()[:36],
                "rollout_id": "benchmark", "started_at": began, "finished_at": began + timedelta(seconds=40), "message": "",
                "environments": dict(resolution.closure),
            }  # fmt: skip
            done[cell.key] = Entry(id=0, **row)
            yield {**row, "details": details(cell, configuration, done, around.key)}
