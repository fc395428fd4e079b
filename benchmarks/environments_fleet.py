"""A fleet's environments as files: six documents in each TEP's closure, three of them shared by all."""

from pathlib import Path

RINGS = ("internal", "beta", "regular")
SHARED = ("shared/app", "shared/network", "shared/cluster")
TEPS_PER_TENANT = 3

LEAF = """\
# What this TEP alone has.
imports:
  - shared/app
  - shared/network
  - shared/cluster
  - ring/{ring}
  - tenants/{tenant}
values:
  pulumiConfig:
    app:region: {region}
    app:hostname: ${{app.hostPrefix}}.{tep}.example.com
    app:databasePassword:
      fn::secret: correct-horse-{tep}
    network:cidrBlock: 10.{number}.0.0/16
    cluster:nodes: {nodes}
    cluster:tags: {{tep: {tep}, owner: "${{tenant.owner}}"}}
"""
TENANT = """\
values:
  tenant:
    name: {tenant}
    owner: team-{number}@example.com
    plan: {plan}
    contacts: [operations@{tenant}.example.com, billing@{tenant}.example.com]
  pulumiConfig:
    app:tenant: ${{tenant.name}}
    app:features: {{search: true, export: {export}, seats: {seats}}}
    cluster:minimum: {minimum}
"""
RING = """\
values:
  ring: {ring}
  pulumiConfig:
    app:version: {version}
    app:logLevel: {level}
    cluster:surge: {surge}
    cluster:window: ["{level}", "0{surge}:00"]
"""
APP = """\
values:
  app:
    name: shop
    domain: example.com
    hostPrefix: ${app.name}
    registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com
    licence:
      fn::secret: licence-of-the-whole-company
  pulumiConfig:
    app:image: ${app.registry}/${app.name}
    app:licence: ${app.licence}
    app:replicas: 2
    app:logLevel: info
    app:cache: {engine: redis, megabytes: 512, evict: lru}
    app:limits: {cpu: "1", memory: 2Gi}
    app:timeouts: {connect: 5, read: 30, idle: 300}
    app:mail: no-reply@${app.domain}
    app:support: https://support.${app.domain}/${app.name}
    app:locales: [en, de, fr, es, it]
    app:features: {search: false, export: false, seats: 10, beta: false}
    app:metrics: true
    app:retentionDays: 30
    app:settings:
      fn::toJSON: {name: "${app.name}", domain: "${app.domain}"}
  environmentVariables:
    APP_NAME: ${app.name}
"""
NETWORK = """\
values:
  network:
    zones: [a, b, c]
    domain: internal.${app.domain}
  pulumiConfig:
    network:cidrBlock: 10.0.0.0/16
    network:zones: ${network.zones}
    network:zoneCount: 3
    network:domain: ${network.domain}
    network:natGateways: 1
    network:flowLogs: true
    network:flowLogDays: 14
    network:endpoints: [s3, ecr, sts, logs]
    network:ports: {http: 80, https: 443, database: 5432}
    network:allow: [10.0.0.0/8, 172.16.0.0/12]
    network:dns: {ttl: 60, zone: "${network.domain}"}
    network:mtu: 9001
    network:ipv6: false
    network:peering: {}
    network:tags: {layer: network, managedBy: infra}
    network:name: ${app.name}-network
    network:first: ${network.zones[0]}
    network:list:
      fn::join: [",", "${network.zones}"]
imports:
  - shared/app
"""
CLUSTER = """\
imports:
  - shared/network
values:
  cluster:
    version: "1.33"
    name: ${app.name}-cluster
  pulumiConfig:
    cluster:version: ${cluster.version}
    cluster:name: ${cluster.name}
    cluster:minimum: 1
    cluster:nodes: 3
    cluster:maximum: 10
    cluster:instanceType: m7g.large
    cluster:diskGb: 100
    cluster:surge: 1
    cluster:logging: [api, audit]
    cluster:addons: {dns: v1.12, proxy: v1.33, cni: v1.20}
    cluster:taints: []
    cluster:labels: {app: "${app.name}", zone: "${network.zones[1]}"}
    cluster:oidc: true
    cluster:public: false
    cluster:cidrs: ["10.0.0.0/8"]
    cluster:tags: {layer: cluster, managedBy: infra}
    cluster:endpoint: https://${cluster.name}.${network.domain}
    cluster:backup: {schedule: "0 3 * * *", days: 7}
"""


def write_fleet(folder: Path, teps: int) -> list[str]:
    """Write the environments of so many TEPs into `folder`, with `roots.txt`, and return the TEPs' own environments' names."""
    for name, text in zip(SHARED, (APP, NETWORK, CLUSTER), strict=True):
        write(folder, name, text)
    for number, ring in enumerate(RINGS):
        level = ("debug", "info", "warn")[number]
        write(folder, f"ring/{ring}", RING.format(ring=ring, version=f"1.{number}.0", level=level, surge=number + 1))
    roots = [_write_tep(folder, number) for number in range(teps)]
    (folder / "roots.txt").write_text("\n".join(roots), encoding="utf-8")
    return roots


def _write_tep(folder: Path, number: int) -> str:
    tenant, tep = f"customer{number // TEPS_PER_TENANT:04}", f"customer{number // TEPS_PER_TENANT:04}-e{number % TEPS_PER_TENANT}"
    if number % TEPS_PER_TENANT == 0:
        plan, export = ("small", "false") if number % 2 else ("large", "true")
        text = TENANT.format(tenant=tenant, number=number, plan=plan, export=export, seats=number % 90 + 10, minimum=number % 4 + 1)
        write(folder, f"tenants/{tenant}", text)
    values = {"tep": tep, "tenant": tenant, "ring": RINGS[number % 3], "number": number % 250, "nodes": number % 7 + 3}
    write(folder, f"tenants/{tep}", LEAF.format(region=("us-east-1", "eu-west-1")[number % 2], **values))
    return f"tenants/{tep}"


def write(folder: Path, name: str, text: str) -> None:
    """Write one environment's definition."""
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
