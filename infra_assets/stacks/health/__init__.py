"""Whether what a stack made works: AWS is asked, in the TEP's own account, and never Pulumi's engine."""

from infra_assets.stacks.health.checking import check
from infra_assets.stacks.health.looks import Finding, Health, HealthCheck, Look
from infra_assets.stacks.health.registry import CHECKS

__all__ = ["CHECKS", "Finding", "Health", "HealthCheck", "Look", "check"]
