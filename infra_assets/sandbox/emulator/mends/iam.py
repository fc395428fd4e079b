"""IAM."""

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import NotFoundException
from moto.iam.models import AWSManagedPolicy, IAMBackend

from infra_assets.sandbox.emulator.mends.registry import mend

PREFIX = ":iam::aws:policy/"


@mend("iam")
def has_managed_policies() -> None:
    """Have AWS' own policies (arn:aws:iam::aws:policy/...) in every account, each from when it is first named.

    moto has them only when it loads all 1,500 into each account, which takes time and memory. aws:iam/rolePolicyAttachment of such a one.
    """
    backend: Any = IAMBackend
    for name in ("attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy"):
        setattr(backend, name, _knowing_managed(getattr(backend, name)))


@mend("iam")
def refuses_to_remove_twice() -> None:
    """Answer NoSuchEntity to RemoveRoleFromInstanceProfile of a role that is not in it; moto fails within.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html.
    aws:iam/instanceProfile:InstanceProfile, deleted after somebody took the role out.
    """
    backend: Any = IAMBackend
    remove = backend.remove_role_from_instance_profile

    def remove_role_from_instance_profile(self: Any, profile_name: str, role_name: str) -> None:
        if self.get_role(role_name) not in self.get_instance_profile(profile_name).roles:
            raise NotFoundException(f"Role {role_name} in Instance Profile {profile_name} cannot be found.")
        remove(self, profile_name, role_name)

    backend.remove_role_from_instance_profile = remove_role_from_instance_profile


def _knowing_managed(method: Any) -> Any:
    def wrapped(self: Any, policy_arn: str, *args: Any, **kwargs: Any) -> Any:
        if PREFIX in policy_arn and policy_arn not in self.managed_policies:
            _add(self, policy_arn)
        return method(self, policy_arn, *args, **kwargs)

    return wrapped


def _add(backend: Any, arn: str) -> None:
    name = arn.rsplit("/", 1)[-1]
    data = _published().get(name)
    if data is None:
        return
    policy: Any = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
    if policy.arn == arn:
        backend.managed_policies[arn] = policy


@cache
def _published() -> dict[str, Any]:
    return json.loads(aws_managed_policies_data)
