"""Which projects have a health check. One that is not here has none, and is nowhere shown as healthy."""

from collections.abc import Mapping

from infra_assets.stacks.health.account import account
from infra_assets.stacks.health.cluster import cluster
from infra_assets.stacks.health.looks import HealthCheck
from infra_assets.stacks.health.network import network

CHECKS: Mapping[str, HealthCheck] = {"account": account, "network": network, "cluster": cluster}
"""By the project's name."""
