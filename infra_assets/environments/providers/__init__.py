"""What is behind `fn::open` and `fn::rotate`. Importing this imports no boto3."""

from infra_assets.environments.providers.aws import Clients, caller_account
from infra_assets.environments.providers.credentials import Credentials
from infra_assets.environments.providers.ports import MayAssume, OidcTokens, StackOutputs
from infra_assets.environments.providers.pulumi_stacks import stack_references
from infra_assets.environments.providers.registry import BuiltinProviders

__all__ = ["BuiltinProviders", "Clients", "Credentials", "MayAssume", "OidcTokens", "StackOutputs", "caller_account", "stack_references"]
