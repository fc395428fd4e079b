"""`cluster`: its group has the instances that it should have, and ECS takes tasks for them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from infra_assets.stacks.health.looks import Answer, Finding, Look

Described = Mapping[str, Any]
"""Something as AWS describes it."""
ACTIVE = "ACTIVE"


def cluster(look: Look) -> list[Finding]:
    """Look at the Auto Scaling group, the ECS cluster and its capacity provider."""
    return look.findings({"group": _group, "cluster": _cluster, "capacity_provider": _capacity_provider})


def _group(look: Look) -> Answer:
    """As many in service as are desired: more, while it scales in or replaces, is no fault."""
    name = look.output("asg_name")
    found = look.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not found:
        return False, f"there is no group {name}"
    group: Described = found[0]
    if group.get("Status"):  # only while it is being deleted
        return False, f"{name}: {group['Status']}"
    instances: Sequence[Described] = group["Instances"]
    serving = [each for each in instances if (each["LifecycleState"], each["HealthStatus"]) == ("InService", "Healthy")]
    others = Counter(f"{each['LifecycleState']}, {each['HealthStatus']}" for each in instances if each not in serving)
    counted = f"{len(serving)} of {group['DesiredCapacity']} instances in service and healthy"
    return len(serving) >= group["DesiredCapacity"], "; ".join([counted, *(f"{count} {state}" for state, count in sorted(others.items()))])


def _cluster(look: Look) -> Answer:
    found = look.client("ecs").describe_clusters(clusters=[look.output("cluster_name")])
    if not found["clusters"]:
        return False, _failures(found)
    described: Described = found["clusters"][0]
    provider = look.output("capacity_provider")
    if provider not in described.get("capacityProviders", ()):
        return False, f"{described['status']}, but without the capacity provider {provider}"
    return described["status"] == ACTIVE, str(described["status"])


def _capacity_provider(look: Look) -> Answer:
    found = look.client("ecs").describe_capacity_providers(capacityProviders=[look.output("capacity_provider")])
    if not found["capacityProviders"]:
        return False, _failures(found)
    described: Described = found["capacityProviders"][0]
    return described["status"] == ACTIVE, ", ".join(filter(None, (described["status"], described.get("updateStatusReason", ""))))


def _failures(found: Described) -> str:
    """Return why ECS describes nothing: it answers without an error."""
    return "; ".join(f"{each.get('arn', '')} {each.get('reason', '')}".strip() for each in found.get("failures", ())) or "there is none"
