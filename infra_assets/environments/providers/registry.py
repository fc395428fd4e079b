"""Which providers and rotators there are."""

from collections.abc import Callable, Mapping

from infra_assets.environments.language.model import Provider, ProviderError, Providers, Rotator
from infra_assets.environments.providers.aws import Clients
from infra_assets.environments.providers.aws_iam import AwsIam
from infra_assets.environments.providers.aws_login import AwsLogin
from infra_assets.environments.providers.aws_parameter_store import AwsParameterStore
from infra_assets.environments.providers.aws_secrets import AwsSecrets
from infra_assets.environments.providers.password import Password
from infra_assets.environments.providers.ports import MayAssume, MayRead, OidcTokens, StackOutputs
from infra_assets.environments.providers.pulumi_stacks import PulumiStacks
from infra_assets.sandbox.cloud import Aws


class BuiltinProviders(Providers):
    """All of them. AWS is reached, and boto3 imported, when the first of them needs it.

    None reads the process' environment: what an environment holds must not depend on who opens it. Without `stacks` or `tokens`, or `aws`,
    what needs them is an error that says so. Without `may_assume` any environment may have any role assumed from the operations account;
    without `may_read` it may read any stack.
    """

    def __init__(
        self,
        aws: Aws | Callable[[], Aws] | Clients | None = None,
        stacks: StackOutputs | None = None,
        tokens: OidcTokens | None = None,
        *,
        may_assume: MayAssume | None = None,
        may_read: MayRead | None = None,
    ) -> None:
        clients = aws if isinstance(aws, Clients) else Clients(aws)
        self._providers: Mapping[str, Provider] = {
            "aws-login": AwsLogin(clients, tokens, may_assume),
            "aws-parameter-store": AwsParameterStore(clients),
            "aws-secrets": AwsSecrets(clients),
            "pulumi-stacks": PulumiStacks(stacks, may_read),
        }
        self._rotators: Mapping[str, Rotator] = {"aws-iam": AwsIam(clients), "password": Password()}

    def provider(self, name: str) -> Provider:
        """Return a provider.

        Raises:
            ProviderError: none of that name.
        """
        if name not in self._providers:
            raise ProviderError(f"unknown provider {name!r}: {', '.join(self._providers)}")
        return self._providers[name]

    def rotator(self, name: str) -> Rotator:
        """Return a rotator.

        Raises:
            ProviderError: none of that name.
        """
        if name not in self._rotators:
            raise ProviderError(f"unknown rotator {name!r}: {', '.join(self._rotators)}")
        return self._rotators[name]
