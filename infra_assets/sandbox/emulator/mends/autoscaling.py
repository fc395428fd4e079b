"""Auto Scaling."""

import uuid
from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from infra_assets.sandbox.emulator.mends.registry import mend


@mend("autoscaling")
def refreshes_instances() -> None:
    """Have StartInstanceRefresh and DescribeInstanceRefreshes: the group's instances are replaced, here at once; moto lacks both.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html.
    aws:autoscaling/group:Group with an instanceRefresh, when its launch template changes.
    """
    response: Any = AutoScalingResponse
    response.start_instance_refresh = _start
    response.describe_instance_refreshes = _describe


def _start(self: Any) -> ActionResult:
    group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
    wanted = group.desired_capacity
    group.set_desired_capacity(0)
    group.set_desired_capacity(wanted)
    refresh = {
        "InstanceRefreshId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Status": "Successful",
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
    }
    group.__dict__.setdefault("instance_refreshes", []).insert(0, refresh)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def _describe(self: Any) -> ActionResult:
    group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
    known: list[dict[str, Any]] = group.__dict__.get("instance_refreshes", [])
    ids = self._get_param("InstanceRefreshIds") or [each["InstanceRefreshId"] for each in known]
    return ActionResult({"InstanceRefreshes": [each for each in known if each["InstanceRefreshId"] in ids]})
