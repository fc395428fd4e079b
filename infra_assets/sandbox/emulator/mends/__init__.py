"""What moto lacks or answers otherwise than AWS, put right in the emulator's process. One module per service, one function per mend."""

from infra_assets.sandbox.emulator.mends import autoscaling, budgets, cloudwatch, ec2, iam, security_groups, sts
from infra_assets.sandbox.emulator.mends.registry import MENDS, Mend

__all__ = ["MENDS", "Mend", "install"]
_MODULES = (autoscaling, budgets, cloudwatch, ec2, iam, security_groups, sts)


def install() -> None:
    """Put all mends in place. Once, before the first call."""
    for each in MENDS:
        each.install()
