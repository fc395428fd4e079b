"""Policy documents, as plain functions: what may be done by whom. Kept apart from the resources, so that tests read them as documents.

Roles that programs create live under the path `/infra/` and carry the boundary. The deploy role may touch roles of that path only, so it
can change neither itself, nor the boundary, nor the organization's access role. See "Delegate permission management to developers by using
IAM permissions boundaries" (AWS security blog) and "Permissions boundaries for IAM entities" (IAM user guide).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ROLE_PATH = "/infra/"
DEPLOY_ROLE = "infra-deploy"
PREVIEW_ROLE = "infra-preview"
BOUNDARY = "infra-boundary"

DEPLOYED = ("autoscaling", "budgets", "cloudwatch", "ec2", "ecs", "elasticloadbalancing", "logs", "sns", "ssm")
"""Services whose resources the programs create."""
USED = ("ec2messages", "ecr", "kms", "s3", "secretsmanager", "sqs", "ssmmessages", "xray")
"""Services that workloads call as well."""
LINKED = ("autoscaling", "ecs", "elasticloadbalancing", "spot")
"""Services that get a role of their own, made by AWS, on first use."""

READ_ONLY = "ReadOnlyAccess"
"""AWS' own policy: everything may be read. It knows services that AWS adds."""
CONTENT = {
    "athena": ("GetQueryResults*", "StartQueryExecution"),
    "cassandra": ("Select",),
    "cognito-idp": ("AdminGetUser", "ListUsers*"),
    "dax": ("BatchGetItem", "GetItem", "Query", "Scan"),
    "dynamodb": ("BatchGetItem", "GetItem", "GetRecords", "PartiQLSelect", "Query", "ReadDataForReplication", "Scan", "SearchVectors"),
    "ebs": ("GetSnapshotBlock",),
    "ec2": ("GetConsoleOutput", "GetConsoleScreenshot", "GetPasswordData"),
    "ecr": ("BatchGetImage", "GetDownloadUrlForLayer"),
    "es": ("ESHttp*",),
    "kinesis": ("GetRecords", "SubscribeToShard"),
    # Closes the SSM parameters that are secret (SecureString). All others are configuration: ssm:GetParameter* stays, for a refresh of a
    # parameter reads it so.
    "kms": ("Decrypt",),
    "logs": ("FilterLogEvents", "GetLogEvents", "GetLogObject", "GetLogRecord", "GetQueryResults", "StartLiveTail", "StartQuery", "Unmask"),
    "rds": ("DownloadCompleteDBLogFile", "DownloadDBLogFilePortion"),
    "rds-data": ("*",),
    "redshift-data": ("*",),
    # A refresh of a single object (not of a bucket) or of a secret's version (not of the secret) needs these: with such a resource in it, a
    # stack can't be looked at with this role.
    "s3": ("GetObject*",),
    "s3-object-lambda": ("GetObject*",),
    "secretsmanager": ("BatchGetSecretValue", "GetSecretValue"),
    "sqs": ("ReceiveMessage",),
    "ssm": ("GetCommandInvocation", "ListCommandInvocations"),
    "states": ("DescribeExecution", "GetExecutionHistory"),
    "xray": ("BatchGetTraces", "GetTraceSummaries", "ListRetrievedTraces", "StartTraceRetrieval"),
}
"""What reads customers' data and secrets, by service. Those that the boundary leaves out stand here for the day when it does not."""

Statement = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """One AWS account, as ARNs name it."""

    partition: str
    id: str

    @classmethod
    def of(cls, caller_arn: str, account_id: str) -> "Account":
        """Return the account of a caller: an ARN's second part is the partition, which spares a call to ask for it."""
        return cls(partition=caller_arn.split(":")[1], id=account_id)

    def managed(self, name: str) -> str:
        """Return the ARN of one of AWS' own policies."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    def iam(self, resource: str) -> str:
        """Return the ARN of an IAM resource such as `role/infra-deploy`."""
        return f"arn:{self.partition}:iam::{self.id}:{resource}"


def document(*statements: Statement) -> str:
    """Return a policy document as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(sid: str, actions: Sequence[str], resource: str | Sequence[str] = "*", **more: Any) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def _deny(sid: str, actions: Sequence[str], resource: str | Sequence[str] = "*", **more: Any) -> Statement:
    return {**_allow(sid, actions, resource, **more), "Effect": "Deny"}


def _role_management(account: Account) -> tuple[Statement, ...]:
    own = [account.iam(f"role{ROLE_PATH}*"), account.iam(f"instance-profile{ROLE_PATH}*")]
    linked = {"StringEquals": {"iam:AWSServiceName": [f"{service}.amazonaws.com" for service in LINKED]}}
    return (
        _allow("ReadIdentities", ["iam:Get*", "iam:List*"]),
        _allow("OwnRoles", ["iam:*Role*", "iam:*InstanceProfile*"], own),
        _allow("LinkedRoles", ["iam:CreateServiceLinkedRole"], account.iam("role/aws-service-role/*"), Condition=linked),
    )


def deploy_policy(account: Account) -> str:
    """Return what the deploy role may do, before its boundary limits it."""
    return document(_allow("Deploy", [f"{service}:*" for service in DEPLOYED]), *_role_management(account))


def preview_policy() -> str:
    """Return what the preview role may not do, of all that READ_ONLY lets it: read what is content, not configuration.

    Whoever proposes a change has its preview run with this role, and a program prints what it likes.
    """
    return document(_deny("NoContent", [f"{service}:{action}" for service, actions in CONTENT.items() for action in actions]))


def boundary_policy(account: Account) -> str:
    """Return the most that the deploy role, the preview role, and any role that the former creates, may ever do.

    A preview reads what programs create, so what it needs to read is in here with that.
    """
    boundary = account.iam(f"policy/{BOUNDARY}")
    changes = ["CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"]
    return document(
        _allow("Services", [f"{service}:*" for service in (*DEPLOYED, *USED)]),
        *_role_management(account),
        _deny(
            "NoRoleWithoutBoundary",
            [f"iam:{change}" for change in changes],
            Condition={"StringNotEquals": {"iam:PermissionsBoundary": boundary}},
        ),
        _deny("BoundaryStays", ["iam:DeleteRolePermissionsBoundary"]),
    )


def entry_trust(deployer_arn: str, external_id: str) -> str:
    """Return who may assume the roles for the control plane: the deployer, and only with this tenant's external id.

    Source: "The confused deputy problem", IAM user guide.
    """
    return document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": deployer_arn},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
    )


def service_trust(service: str, *, source_account: str | None = None) -> str:
    """Return the trust policy of a role for an AWS service.

    `source_account` limits it to requests on that account's behalf; not every service says on whose behalf it asks.
    """
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": source_account}}} if source_account else {}
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition})


def publish_policy(topic_arn: str, account_id: str, services: Sequence[str]) -> str:
    """Return the policy of a topic to which AWS services publish on behalf of the topic's own account.

    Source: "Creating an Amazon SNS topic for budget notifications", AWS cost management user guide.
    """
    return document(
        {
            "Sid": "Notify",
            "Effect": "Allow",
            "Principal": {"Service": list(services)},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
    )


def flow_log_policy(log_group_arn: str) -> str:
    """Return what VPC flow logs need to write into a log group ("Publish flow logs to CloudWatch Logs", Amazon VPC user guide)."""
    write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    return document(_allow("Write", write, [log_group_arn, f"{log_group_arn}:*"]), _allow("Find", ["logs:DescribeLogGroups"]))
