"""Auto Scaling."""

import uuid
from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
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


@mend("autoscaling")
def launches_nothing_while_suspended() -> None:
    """Launch no instances while the process Launch is suspended, and those that lack when it is resumed; moto heeds no suspension.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html. It is how a group is short of instances,
    which health checks of clusters must see.
    """
    group: Any = FakeAutoScalingGroup
    backend: Any = AutoScalingBackend
    launch, resume = group.replace_autoscaling_group_instances, backend.resume_processes

    def replace_autoscaling_group_instances(self: Any, *args: Any) -> None:
        if not any(each["ProcessName"] == "Launch" for each in self.suspended_processes):
            launch(self, *args)

    def resume_processes(self: Any, group_name: str, scaling_processes: list[str]) -> None:
        resume(self, group_name, scaling_processes)
        self.set_desired_capacity(group_name, self.autoscaling_groups[group_name].desired_capacity)

    group.replace_autoscaling_group_instances = replace_autoscaling_group_instances
    backend.resume_processes = resume_processes
