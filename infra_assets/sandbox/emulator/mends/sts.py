"""STS: who may enter an account."""

import json
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends
from moto.sts.exceptions import STSClientError
from moto.sts.responses import TokenResponse

from infra_assets.sandbox.emulator.mends.registry import mend
from infra_assets.sandbox.emulator.mends.trust import allows


class AccessDeniedError(STSClientError):
    """What STS answers to a caller whom the role does not trust, or to whom it does not exist."""

    def __init__(self, account: str, role_arn: str) -> None:
        message = f"User: arn:aws:iam::{account}:root is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        super().__init__("AccessDenied", message)


@mend("sts")
def asks_the_role() -> None:
    """Refuse AssumeRole where the role's trust policy does not name the caller's account, or asks for another external id.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html. moto lets everybody in, even to roles that do not exist;
    that is kept for accounts that Organizations did not make. Every stack's provider enters its account so.
    """
    response: Any = TokenResponse
    assume = response.assume_role

    def assume_role(self: Any) -> Any:
        arn, external_id = self._get_param("RoleArn"), self._get_param("ExternalId")
        if not _may_enter(arn, self.current_account, external_id):
            raise AccessDeniedError(self.current_account, arn)
        return assume(self)

    response.assume_role = assume_role


def _may_enter(role_arn: str, caller: str, external_id: str | None) -> bool:
    parts = role_arn.split(":")
    account, partition = parts[4], parts[1]
    try:
        role: Any = iam_backends[account][partition].get_role(role_arn.rsplit("/", 1)[-1])
    except NotFoundException:
        made: Any = organizations_backends.master_accounts
        return account not in made
    return allows(json.loads(role.assume_role_policy_document), caller, external_id)
