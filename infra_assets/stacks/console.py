"""Links into the AWS console: into a TEP's account, and to its main resources.

URL forms: "Switching to an IAM role (console)" of the AWS documentation, and the console's own addresses.
"""

from urllib.parse import quote

from infra_assets.fleet.accounts import DEPLOY_ROLE
from infra_assets.fleet.models import Tep
from infra_assets.stacks.outcome import Change

PAGES = {
    "aws:ec2/vpc:Vpc": "vpcconsole/home?region={region}#VpcDetails:VpcId={id}",
    "aws:ecs/cluster:Cluster": "ecs/v2/clusters/{name}?region={region}",
    "aws:autoscaling/group:Group": "ec2/home?region={region}#AutoScalingGroupDetails:id={id}",
    "aws:iam/role:Role": "iam/home#/roles/details/{id}",
    "aws:sns/topic:Topic": "sns/v3/home?region={region}#/topic/{id}",
    "aws:budgets/budget:Budget": "billing/home#/budgets",
    "aws:cloudwatch/logGroup:LogGroup": "cloudwatch/home?region={region}#logsV2:log-groups/log-group/{id}",
    "aws:rds/cluster:Cluster": "rds/home?region={region}#database:id={id};is-cluster=true",
    "aws:lb/loadBalancer:LoadBalancer": "ec2/home?region={region}#LoadBalancer:loadBalancerArn={id}",
    "aws:s3/bucket:Bucket": "s3/buckets/{id}?region={region}",
}


def account_link(tep: Tep) -> str:
    """Return the link that switches the console into the TEP's account."""
    return f"https://signin.aws.amazon.com/switchrole?account={tep.account_id}&roleName={DEPLOY_ROLE}&displayName={quote(tep.name)}"


def resource_link(tep: Tep, change: Change) -> str | None:
    """Return the link to a resource's page, None where its type has none or it does not exist."""
    page = PAGES.get(change.type)
    if page is None or not change.id:
        return None
    name = quote(change.id.rsplit("/", 1)[-1])
    return f"https://{tep.region}.console.aws.amazon.com/{page.format(region=tep.region, id=quote(change.id, safe=''), name=name)}"
