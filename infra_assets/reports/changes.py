"""What is, or would be, done to the resources of one cell, as reports have it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra_assets.stacks.outcome import Change, PropertyChange

REPLACE = "replace"
DELETE = "delete"
STATEFUL = (
    "aws:backup/vault:Vault", "aws:cloudwatch/logGroup:LogGroup", "aws:cognito/userPool:UserPool", "aws:docdb/", "aws:dynamodb/table:Table",
    "aws:ebs/volume:Volume", "aws:ecr/repository:Repository", "aws:efs/fileSystem:FileSystem", "aws:elasticache/", "aws:fsx/",
    "aws:keyspaces/", "aws:kinesis/stream:Stream", "aws:kms/key:Key", "aws:memorydb/", "aws:mq/broker:Broker", "aws:msk/cluster:Cluster",
    "aws:neptune/", "aws:opensearch/domain:Domain", "aws:qldb/", "aws:rds/cluster:Cluster", "aws:rds/instance:Instance",
    "aws:redshift/cluster:Cluster", "aws:route53/zone:Zone", "aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2",
    "aws:secretsmanager/secret:Secret", "aws:sqs/queue:Queue", "aws:ssm/parameter:Parameter", "aws:timestreamwrite/",
)  # fmt: skip
"""Types, or beginnings of types, of resources that hold what cannot be made again: data, keys, names that others know."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource and what would be done to it, or how the cloud's differs from what was recorded."""

    type: str
    """`aws:ec2/vpc:Vpc`."""
    name: str
    operation: str
    """`create`, `update`, `replace`, `delete`."""
    properties: Sequence[PropertyChange] = ()
    id: str = ""
    protected: bool = False

    @property
    def stateful(self) -> bool:
        """Whether it holds what cannot be made again."""
        return self.protected or self.type.startswith(STATEFUL)

    @property
    def destroys(self) -> bool:
        """Whether what there is goes away."""
        return self.operation in (REPLACE, DELETE)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "type": self.type,
            "name": self.name,
            "operation": self.operation,
            "stateful": self.stateful,
            "id": self.id,
            "properties": [{"path": each.path, "kind": each.kind, "before": each.before, "after": each.after} for each in self.properties],
        }


def of_outcome(changes: Iterable[Change]) -> list[ResourceChange]:
    """Return the changes of an operation."""
    return [
        ResourceChange(
            change.type,
            change.name,
            change.operation,
            change.details or tuple(PropertyChange(path, "update") for path in change.properties),
            change.id,
            change.protected,
        )
        for change in changes
    ]


def restored(content: Sequence[Mapping[str, Any]]) -> list[ResourceChange]:
    """Return what `as_json` was made of."""
    return [
        ResourceChange(
            item["type"],
            item["name"],
            item["operation"],
            tuple(PropertyChange(**each) for each in item["properties"]),
            item["id"],
            item.get("protected", False) or (item["stateful"] and not item["type"].startswith(STATEFUL)),
        )
        for item in content
    ]
