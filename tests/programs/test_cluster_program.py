"""What the project `cluster` asks for."""

import base64
import json

from tests.programs.recording import Run

TEMPLATE, GROUP = "aws:ec2/launchTemplate:LaunchTemplate", "aws:autoscaling/group:Group"


def test_the_group_has_the_tenants_own_size(run: Run) -> None:
    group = run("cluster", min_size="2", desired="3", max_size="9").one(GROUP).inputs
    assert (group["minSize"], group["desiredCapacity"], group["maxSize"]) == (2, 3, 9)
    assert group["vpcZoneIdentifiers"] == ["subnet-1", "subnet-2"]


def test_without_a_desired_number_managed_scaling_decides(run: Run) -> None:
    config = {"instance_type": "t3.medium", "min_size": "0", "max_size": "4"}
    assert "desiredCapacity" not in run("cluster", config).one(GROUP).inputs


def test_a_new_launch_template_version_is_a_change_of_the_group(run: Run) -> None:
    assert run("cluster").one(GROUP).inputs["launchTemplate"] == {"id": "cluster-instances-id", "version": "7"}


def test_instances_join_the_cluster_and_resolve_their_image_at_launch(run: Run) -> None:
    template = run("cluster", ami_parameter="/images/own").one(TEMPLATE).inputs
    assert base64.b64decode(template["userData"]).decode().splitlines()[1] == "echo ECS_CLUSTER=cluster-1a2b3c4 >> /etc/ecs/ecs.config"
    assert template["imageId"] == "resolve:ssm:/images/own"
    assert template["instanceType"] == "t3.medium"


def test_instances_keep_their_credentials_and_disks_to_themselves(run: Run) -> None:
    template = run("cluster").one(TEMPLATE).inputs
    assert template["metadataOptions"] == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert template["blockDeviceMappings"][0]["ebs"]["encrypted"] == "true"


def test_the_instances_role_is_bounded(run: Run) -> None:
    recorded = run("cluster")
    role = recorded.one("aws:iam/role:Role").inputs
    assert role["permissionsBoundary"] == "arn:aws:iam::111122223333:policy/infra-boundary"
    assert json.loads(role["assumeRolePolicy"])["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    attached = recorded.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment").inputs
    assert attached["policyArn"] == "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"


def test_instances_accept_traffic_from_each_other_only(run: Run) -> None:
    rule = run("cluster").one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    assert rule["referencedSecurityGroupId"] == rule["securityGroupId"] == "cluster-instances-id"


def test_the_capacity_provider_scales_the_group(run: Run) -> None:
    recorded = run("cluster", target_capacity="80")
    provider = recorded.one("aws:ecs/capacityProvider:CapacityProvider").inputs["autoScalingGroupProvider"]
    assert provider["managedScaling"] == {"status": "ENABLED", "targetCapacity": 80}
    used = recorded.one("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders").inputs
    assert used["capacityProviders"] == ["cluster-1a2b3c4"]


def test_outputs(run: Run) -> None:
    assert run("cluster").outputs == {
        "cluster_arn": "arn:aws:x:eu-west-1:111122223333:cluster-1a2b3c4",
        "cluster_name": "cluster-1a2b3c4",
        "capacity_provider": "cluster-1a2b3c4",
        "asg_name": "cluster-1a2b3c4",
        "security_group_id": "cluster-instances-id",
    }


def test_nothing_is_asked_of_the_provider_beforehand(run: Run) -> None:
    assert run("cluster").calls == []
