"""One program per area, which together hold every resource type in use; `changed` gives each resource one other input."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws

ECS_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
Program = Callable[[bool], None]


def policy(*actions: str, **statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions)} | statement]})


def trust(service: str) -> str:
    return policy("sts:AssumeRole", Principal={"Service": service})


def network(changed: bool) -> None:
    tags = {"stage": "second"} if changed else {}
    zones = aws.get_availability_zones(state="available").names
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=not changed)
    gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, tags=tags)
    subnet = aws.ec2.Subnet(
        "subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", availability_zone=zones[0], map_public_ip_on_launch=not changed
    )
    address = aws.ec2.Eip("address", domain="vpc", tags=tags)
    after = pulumi.ResourceOptions(depends_on=[gateway])
    nat = aws.ec2.NatGateway("nat", subnet_id=subnet.id, allocation_id=address.id, tags=tags, opts=after)
    public, private = (aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=tags) for name in ("public", "private"))
    aws.ec2.Route("out", route_table_id=public.id, destination_cidr_block="8.0.0.0/8" if changed else "0.0.0.0/0", gateway_id=gateway.id)
    aws.ec2.Route("by-nat", route_table_id=private.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id)
    association = aws.ec2.RouteTableAssociation("association", subnet_id=subnet.id, route_table_id=(private if changed else public).id)
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description="web", tags=tags)
    about = "second" if changed else "first"
    into = aws.vpc.SecurityGroupIngressRule(
        "into", security_group_id=group.id, ip_protocol="tcp", from_port=80, to_port=80, cidr_ipv4="10.0.0.0/16", description=about
    )
    out_of = aws.vpc.SecurityGroupEgressRule(
        "out-of", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0", description=about
    )
    aws.vpc.SecurityGroupIngressRule(
        "each-other", security_group_id=group.id, referenced_security_group_id=group.id, ip_protocol="-1", description=about
    )
    log = aws.cloudwatch.LogGroup("flows", retention_in_days=7)
    role = aws.iam.Role("flows", assume_role_policy=trust("vpc-flow-logs.amazonaws.com"))
    flows = aws.ec2.FlowLog("flows", vpc_id=vpc.id, traffic_type="ALL", log_destination=log.arn, iam_role_arn=role.arn, tags=tags)
    for name, resource in {
        "vpc": vpc, "gateway": gateway, "subnet": subnet, "address": address, "nat": nat, "public": public, "association": association,
        "group": group, "into": into, "out-of": out_of, "flows": flows,
    }.items():  # fmt: skip
        pulumi.export(name, resource.id)


def identity(changed: bool) -> None:
    tags = {"stage": "second"} if changed else {}
    document = aws.iam.get_policy_document(
        statements=[{"actions": ["sts:AssumeRole"], "principals": [{"type": "Service", "identifiers": ["ec2.amazonaws.com"]}]}]
    ).json
    boundary = aws.iam.Policy("boundary", policy=policy("ecs:*" if changed else "ec2:*", Resource="*"), tags=tags)
    role = aws.iam.Role(
        "role", assume_role_policy=document, permissions_boundary=boundary.arn, description="second" if changed else "first"
    )
    inline = aws.iam.RolePolicy("inline", role=role.name, policy=policy("logs:*" if changed else "sqs:*", Resource="*"))
    managed = "AmazonSSMManagedInstanceCore" if changed else "service-role/AmazonEC2ContainerServiceforEC2Role"
    aws.iam.RolePolicyAttachment("attachment", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{managed}")
    profile = aws.iam.InstanceProfile("profile", role=role.name, tags=tags)
    for name, output in {"boundary": boundary.arn, "role": role.name, "inline": inline.name, "profile": profile.name}.items():
        pulumi.export(name, output)
    pulumi.export("managed", managed)
    pulumi.export("account", aws.get_caller_identity().account_id)


def capacity(changed: bool) -> None:
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
    subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24")
    template = aws.ec2.LaunchTemplate(
        "template",
        image_id=aws.ssm.get_parameter(name=ECS_IMAGE).value,
        instance_type="t3.small" if changed else "t3.micro",
        user_data="ZWNobyAyCg==" if changed else "ZWNobyAxCg==",
        update_default_version=True,
        metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 2},
        block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 30, "volume_type": "gp3", "encrypted": "true"}}],
        tag_specifications=[{"resource_type": "instance", "tags": {"Name": "node"}}],
    )
    group = aws.autoscaling.Group(
        "group",
        min_size=1,
        desired_capacity=2 if changed else 1,
        max_size=3 if changed else 2,
        vpc_zone_identifiers=[subnet.id],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        force_delete=True,
        instance_refresh={"strategy": "Rolling"},
        tags=[{"key": "AmazonECSManaged", "value": "true", "propagate_at_launch": True}],
    )
    cluster = aws.ecs.Cluster("cluster", settings=[{"name": "containerInsights", "value": "disabled" if changed else "enabled"}])
    scaling = {
        "status": "ENABLED",
        "target_capacity": 80 if changed else 90,
        "minimum_scaling_step_size": 1,
        "maximum_scaling_step_size": 5,
    }
    provider = aws.ecs.CapacityProvider(
        "provider",
        auto_scaling_group_provider={
            "auto_scaling_group_arn": group.arn,
            "managed_termination_protection": "DISABLED",
            "managed_scaling": scaling,
        },
    )
    aws.ecs.ClusterCapacityProviders(
        "providers",
        cluster_name=cluster.name,
        capacity_providers=[provider.name],
        default_capacity_provider_strategies=[{"capacity_provider": provider.name, "weight": 2 if changed else 1, "base": 1}],
    )
    for name, output in {"template": template.id, "group": group.name, "cluster": cluster.name, "provider": provider.name}.items():
        pulumi.export(name, output)


def observation(changed: bool) -> None:
    log = aws.cloudwatch.LogGroup("log", retention_in_days=14 if changed else 7)
    topic = aws.sns.Topic("topic", display_name="second" if changed else "first")
    principal = {"Service": "cloudwatch.amazonaws.com" if changed else "budgets.amazonaws.com"}
    document = topic.arn.apply(lambda arn: policy("sns:Publish", Principal=principal, Resource=arn))
    aws.sns.TopicPolicy("policy", arn=topic.arn, policy=document)
    alarm = aws.cloudwatch.MetricAlarm(
        "alarm",
        namespace="AWS/Billing",
        metric_name="EstimatedCharges",
        dimensions={"Currency": "USD"},
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=1,
        period=21600,
        statistic="Maximum",
        threshold=90 if changed else 80,
        treat_missing_data="notBreaching",
        alarm_actions=[topic.arn],
    )
    notification = {"comparison_operator": "GREATER_THAN", "threshold_type": "PERCENTAGE", "notification_type": "ACTUAL"}
    budget = aws.budgets.Budget(
        "budget",
        budget_type="COST",
        limit_amount="200" if changed else "100",
        limit_unit="USD",
        time_unit="MONTHLY",
        notifications=[
            notification | {"threshold": percent, "subscriber_sns_topic_arns": [topic.arn]} for percent in (90 if changed else 80, 100)
        ],
    )
    for name, output in {"log": log.name, "topic": topic.arn, "alarm": alarm.name, "budget": budget.name}.items():
        pulumi.export(name, output)
    pulumi.export("account", aws.get_caller_identity().account_id)


PROGRAMS: dict[str, Program] = {each.__name__: each for each in (network, identity, capacity, observation)}
