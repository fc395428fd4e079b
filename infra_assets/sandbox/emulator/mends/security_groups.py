"""EC2's security groups."""

from collections.abc import Mapping
from typing import Any

from moto.ec2.exceptions import InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule

from infra_assets.sandbox.emulator.mends.registry import mend

BACKEND: Any = EC2Backend
WITH_PORTS = ("tcp", "udp", "icmp", "6", "17", "1")


@mend("ec2")
def modifies_rules_without_ports() -> None:
    """Modify a rule for all protocols, which has no ports, and one that names a group or a prefix list.

    So does AWS (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRuleRequest.html); moto insists on ports, and
    changes IPv4 ranges only. aws:vpc/securityGroupIngressRule and -EgressRule, when such a rule changes.
    """
    modify = BACKEND.modify_security_group_rules

    def modify_security_group_rules(self: Any, group_id: str, rules: Mapping[str, dict[str, Any]]) -> None:
        # moto demands ports; where the protocol has none they are taken away again below.
        modify(self, group_id, {rule_id: {"FromPort": -1, "ToPort": -1} | rule for rule_id, rule in rules.items()})
        group = self.get_security_group_by_name_or_id(group_id)
        for rule_id, wanted in rules.items():
            _finish(group.get_rule(rule_id), wanted)

    BACKEND.modify_security_group_rules = modify_security_group_rules


def _finish(rule: Any, wanted: Mapping[str, Any]) -> None:
    if wanted["IpProtocol"] not in WITH_PORTS:
        rule.from_port = rule.to_port = None
    if wanted.get("CidrIpv6"):
        rule.ip_range["CidrIpv6"] = wanted["CidrIpv6"]
    if wanted.get("ReferencedGroupId"):
        rule.source_group = {"OwnerId": rule.owner_id} | rule.source_group | {"GroupId": wanted["ReferencedGroupId"]}
    if wanted.get("PrefixListId"):
        rule.prefix_list_id = wanted["PrefixListId"]


@mend("ec2")
def names_rules_that_are_gone() -> None:
    """Answer InvalidSecurityGroupRuleId.NotFound to the revoking of a rule that is gone; moto answers InvalidPermission.NotFound.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html. aws:vpc/securityGroupIngressRule and -EgressRule,
    deleted after somebody else has: they take the first answer for done, and fail at the second.
    """
    for direction in ("ingress", "egress"):
        name = f"revoke_security_group_{direction}"
        setattr(BACKEND, name, _checking_ids(getattr(BACKEND, name), f"{direction}_rules"))


def _checking_ids(revoke: Any, rules: str) -> Any:
    def wrapped(self: Any, group_name_or_id: str, *args: Any, **options: Any) -> Any:
        group = self.get_security_group_by_name_or_id(group_name_or_id, options.get("vpc_id"))
        known: set[str] = {rule.id for rule in getattr(group, rules, ())}
        gone = set[str](options.get("security_rule_ids") or ()) - known
        if group and gone:
            raise InvalidSecurityGroupRuleIdNotFoundError(min(gone))
        return revoke(self, group_name_or_id, *args, **options)

    return wrapped


@mend("ec2")
def describes_rules_between_groups() -> None:
    """Keep the description of a rule that names a group; moto looks for it at the address range, which such a rule has not.

    aws:vpc/securityGroupIngressRule and -EgressRule with referencedSecurityGroupId read as changed for ever.
    """
    rule: Any = SecurityGroupRule
    rule.description = property(lambda self: self.ip_range.get("Description") or self.source_group.get("Description"))
