"""What somebody might change by hand behind Pulumi's back: one change per resource type, made with boto3."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.sandbox.emulator.clients import Clients
from tests.sandbox.emulator.programs import policy

Outputs = Mapping[str, str]
Drift = Callable[[Clients, Outputs], Any]
TAG = [{"Key": "by", "Value": "hand"}]


def _tag(name: str) -> Drift:
    return lambda aws, out: aws("ec2").create_tags(Resources=[out[name]], Tags=TAG)


def _alarm(aws: Clients, out: Outputs) -> None:
    (alarm,) = aws("cloudwatch").describe_alarms(AlarmNames=[out["alarm"]])["MetricAlarms"]
    kept = ("AlarmName", "Namespace", "MetricName", "Dimensions", "ComparisonOperator", "EvaluationPeriods", "Period", "Statistic")
    aws("cloudwatch").put_metric_alarm(Threshold=1, **{name: alarm[name] for name in kept})


def _budget(aws: Clients, out: Outputs) -> None:
    budget = aws("budgets").describe_budget(AccountId=out["account"], BudgetName=out["budget"])["Budget"]
    aws("budgets").update_budget(AccountId=out["account"], NewBudget=budget | {"BudgetLimit": {"Amount": "9999", "Unit": "USD"}})


def _disassociate(aws: Clients, out: Outputs) -> None:
    # Looked up: to associate another table makes an association with another id.
    here = [{"Name": "association.subnet-id", "Values": [out["subnet"]]}]
    (table,) = aws("ec2").describe_route_tables(Filters=here)["RouteTables"]
    (found,) = [each for each in table["Associations"] if each.get("SubnetId") == out["subnet"]]
    aws("ec2").disassociate_route_table(AssociationId=found["RouteTableAssociationId"])


# By program, then by the resource's name.
DRIFTS: dict[str, dict[str, Drift]] = {
    "network": {
        "vpc": lambda aws, out: aws("ec2").modify_vpc_attribute(VpcId=out["vpc"], EnableDnsHostnames={"Value": True}),
        "gateway": _tag("gateway"),
        "subnet": lambda aws, out: aws("ec2").modify_subnet_attribute(SubnetId=out["subnet"], MapPublicIpOnLaunch={"Value": True}),
        "address": _tag("address"),
        "nat": _tag("nat"),
        "public": _tag("public"),
        "out": lambda aws, out: aws("ec2").delete_route(RouteTableId=out["public"], DestinationCidrBlock="8.0.0.0/8"),
        "association": _disassociate,
        "group": _tag("group"),
        "into": lambda aws, out: aws("ec2").revoke_security_group_ingress(GroupId=out["group"], SecurityGroupRuleIds=[out["into"]]),
        "out-of": lambda aws, out: aws("ec2").revoke_security_group_egress(GroupId=out["group"], SecurityGroupRuleIds=[out["out-of"]]),
        "flows": lambda aws, out: aws("ec2").delete_flow_logs(FlowLogIds=[out["flows"]]),
    },
    "identity": {
        "boundary": lambda aws, out: aws("iam").create_policy_version(
            PolicyArn=out["boundary"], PolicyDocument=policy("*", Resource="*"), SetAsDefault=True
        ),
        "role": lambda aws, out: aws("iam").delete_role_permissions_boundary(RoleName=out["role"]),
        "inline": lambda aws, out: aws("iam").put_role_policy(
            RoleName=out["role"], PolicyName=out["inline"], PolicyDocument=policy("*", Resource="*")
        ),
        "attachment": lambda aws, out: aws("iam").detach_role_policy(
            RoleName=out["role"], PolicyArn=f"arn:aws:iam::aws:policy/{out['managed']}"
        ),
        "profile": lambda aws, out: aws("iam").remove_role_from_instance_profile(InstanceProfileName=out["profile"], RoleName=out["role"]),
    },
    "capacity": {
        "template": lambda aws, out: aws("ec2").create_launch_template_version(
            LaunchTemplateId=out["template"], SourceVersion="$Latest", LaunchTemplateData={"InstanceType": "m5.24xlarge"}
        ),
        "group": lambda aws, out: aws("autoscaling").update_auto_scaling_group(AutoScalingGroupName=out["group"], MaxSize=9),
        "cluster": lambda aws, out: aws("ecs").update_cluster(
            cluster=out["cluster"], settings=[{"name": "containerInsights", "value": "enabled"}]
        ),
        "provider": lambda aws, out: aws("ecs").update_capacity_provider(
            name=out["provider"], autoScalingGroupProvider={"managedScaling": {"status": "ENABLED", "targetCapacity": 10}}
        ),
        "providers": lambda aws, out: aws("ecs").put_cluster_capacity_providers(
            cluster=out["cluster"], capacityProviders=[], defaultCapacityProviderStrategy=[]
        ),
    },
    "observation": {
        "log": lambda aws, out: aws("logs").put_retention_policy(logGroupName=out["log"], retentionInDays=1),
        "topic": lambda aws, out: aws("sns").set_topic_attributes(
            TopicArn=out["topic"], AttributeName="DisplayName", AttributeValue="spam"
        ),
        "policy": lambda aws, out: aws("sns").set_topic_attributes(
            TopicArn=out["topic"], AttributeName="Policy", AttributeValue=policy("sns:*", Principal="*", Resource=out["topic"])
        ),
        "alarm": _alarm,
        "budget": _budget,
    },
}
