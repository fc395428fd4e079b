"""What the project `account` asks for."""

import json

import pytest

from tests.programs.recording import Run

ROLE, POLICY = "aws:iam/role:Role", "aws:iam/policy:Policy"
BOUNDARY = "arn:aws:iam::111122223333:policy/infra-boundary"
SECRET = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi's wire format marks a secret."""


@pytest.mark.parametrize("name", ["account-deploy", "account-preview"])
def test_both_roles_ask_for_the_external_id_and_are_bounded(run: Run, name: str) -> None:
    role = run("account").one(ROLE, name).inputs
    statement = json.loads(role["assumeRolePolicy"])["Statement"][0]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:role/control-plane"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "acme-4f1c"}}
    assert role["permissionsBoundary"] == BOUNDARY


def test_names_that_others_rely_on(run: Run) -> None:
    recorded = run("account")
    assert [role.inputs["name"] for role in recorded.of(ROLE)] == ["infra-deploy", "infra-preview"]
    assert recorded.one(POLICY).inputs["name"] == "infra-boundary"


def test_the_preview_role_reads_and_never_reads_everything(run: Run) -> None:
    recorded = run("account")
    attached = recorded.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert (attached.inputs["role"], attached.inputs["policyArn"]) == ("infra-preview", "arn:aws:iam::aws:policy/ReadOnlyAccess")
    denied = recorded.one("aws:iam/rolePolicy:RolePolicy", "account-preview")
    assert denied.inputs["role"] == "infra-preview"
    assert {item["Effect"] for item in json.loads(denied.inputs["policy"])["Statement"]} == {"Deny"}
    assert denied.name in attached.depends_on


def test_the_boundary_names_itself_with_the_callers_account(run: Run) -> None:
    statements = {item["Sid"]: item for item in json.loads(run("account").one(POLICY).inputs["policy"])["Statement"]}
    assert statements["NoRoleWithoutBoundary"]["Condition"] == {"StringNotEquals": {"iam:PermissionsBoundary": BOUNDARY}}


def test_the_budget_reports_at_80_and_100_percent(run: Run) -> None:
    budget = run("account", budget_usd="1200", budget_email="platform@example.com").one("aws:budgets/budget:Budget").inputs
    assert (budget["limitAmount"], budget["timeUnit"]) == ("1200", "MONTHLY")
    assert [item["threshold"] for item in budget["notifications"]] == [80, 100]
    for item in budget["notifications"]:
        assert item["subscriberSnsTopicArns"] == ["arn:aws:x:eu-west-1:111122223333:account-spending-topic-1a2b3c4"]
        assert item["subscriberEmailAddresses"] == ["platform@example.com"]


def test_without_an_address_only_the_topic_is_told(run: Run) -> None:
    budget = run("account").one("aws:budgets/budget:Budget").inputs
    assert all("subscriberEmailAddresses" not in item for item in budget["notifications"])


def test_the_billing_alarm_stands_where_the_metric_is(run: Run) -> None:
    recorded = run("account", budget_usd="1200")
    alarm = recorded.one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert (alarm["region"], alarm["namespace"], alarm["threshold"]) == ("us-east-1", "AWS/Billing", 1200)
    assert recorded.one("aws:sns/topic:Topic", "account-spending-topic").inputs["region"] == "us-east-1"
    assert "region" not in recorded.one("aws:sns/topic:Topic", "account-alarms").inputs


def test_budget_and_alarm_wait_until_they_may_publish(run: Run) -> None:
    recorded = run("account")
    assert "account-spending-topic" in recorded.one("aws:budgets/budget:Budget").depends_on
    policy = json.loads(recorded.one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])["Statement"][0]
    assert policy["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert "budgets.amazonaws.com" in policy["Principal"]["Service"]


def test_log_groups_keep_records_as_configured(run: Run) -> None:
    groups = run("account", log_retention_days="365").of("aws:cloudwatch/logGroup:LogGroup")
    assert {group.name: group.inputs["retentionInDays"] for group in groups} == {"account-system": 365, "account-workloads": 365}


def test_an_external_id_that_is_a_secret_stays_one(run: Run) -> None:
    recorded = run("account", secrets=["external_id"])
    assert all(SECRET in role.inputs["assumeRolePolicy"] for role in recorded.of(ROLE))
    assert "acme-4f1c" not in str(recorded.outputs)


def test_outputs(run: Run) -> None:
    outputs = run("account").outputs
    assert outputs["boundary_arn"] == BOUNDARY
    assert outputs["deploy_role_arn"].endswith(":infra-deploy")
    assert outputs["preview_role_arn"].endswith(":infra-preview")
    assert outputs["account_id"] == "111122223333"
    assert outputs["log_groups"] == {"system": "account-system-1a2b3c4", "workloads": "account-workloads-1a2b3c4"}
    arns = {"deploy_role_arn", "preview_role_arn", "boundary_arn", "alarm_topic_arn", "spending_topic_arn"}
    assert set(outputs) == {"account_id", "log_groups", *arns}


def test_one_call_before_anything_is_created(run: Run) -> None:
    assert run("account").calls == ["aws:index/getCallerIdentity:getCallerIdentity"]
