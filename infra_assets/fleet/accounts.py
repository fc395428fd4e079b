"""AWS accounts of TEPs: created in the organization, and entered by roles.

Roles: `OrganizationAccountAccessRole` is what AWS Organizations puts into each account it creates (AWS: "Accessing member
accounts"); the `account` project makes `infra-deploy` and `infra-preview` with it. Everything else is deployed as the former; the latter
reads configuration and nothing more.
"""

import time
from typing import Any

from infra_assets.errors import InfraError
from infra_assets.fleet.models import Tep
from infra_assets.sandbox.cloud import Aws

BOOTSTRAP_ROLE = "OrganizationAccountAccessRole"
DEPLOY_ROLE = "infra-deploy"
PREVIEW_ROLE = "infra-preview"
ROLES = {"bootstrap": BOOTSTRAP_ROLE, "deploy": DEPLOY_ROLE, "preview": PREVIEW_ROLE, "inspect": BOOTSTRAP_ROLE}
"""As what an account is entered, by login. `inspect` only reads, which its session sees to: the role is there before any other is."""
CREATION_TIMEOUT_S = 300.0


def role_arn(tep: Tep, role: str) -> str:
    """Return the ARN of the role in the TEP's account that a login enters: `bootstrap`, `deploy`, `preview`, `inspect`."""
    return f"arn:aws:iam::{tep.account_id}:role/{ROLES[role]}"


class Organization:
    """The organization that the operations account manages. `email` is a new account's, with `{tep}` for the TEP's name."""

    def __init__(self, aws: Aws, *, email: str) -> None:
        self._client: Any = aws.client(aws.session(), "organizations", "us-east-1")
        self._email = email

    def ensure(self) -> str:
        """Return the organization's id, creating the organization if there is none."""
        try:
            return self._client.describe_organization()["Organization"]["Id"]
        except self._client.exceptions.AWSOrganizationsNotInUseException:
            return self._client.create_organization(FeatureSet="ALL")["Organization"]["Id"]

    def accounts(self) -> dict[str, str]:
        """Return the member accounts' ids by name."""
        pages: Any = self._client.get_paginator("list_accounts").paginate()
        return {account["Name"]: account["Id"] for page in pages for account in page["Accounts"]}

    def create_account(self, name: str) -> str:
        """Return the id of the account called `name`, creating it if there is none: an import that broke off finds it again.

        Raises:
            InfraError: AWS refused, or did not finish in five minutes.
        """
        if existing := self.accounts().get(name):
            return existing
        status = self._client.create_account(Email=self._email.format(tep=name), AccountName=name)["CreateAccountStatus"]
        deadline = time.monotonic() + CREATION_TIMEOUT_S
        while status["State"] == "IN_PROGRESS":
            if time.monotonic() > deadline:
                raise InfraError(f"account {name}: AWS has not created it after {CREATION_TIMEOUT_S:.0f} s", remedy="Import again later.")
            time.sleep(2)
            status = self._client.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
        if status["State"] != "SUCCEEDED":
            raise InfraError(f"account {name}: AWS refused to create it: {status.get('FailureReason', 'no reason given')}")
        return status["AccountId"]
