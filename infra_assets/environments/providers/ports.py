"""What providers ask of their host."""

from collections.abc import Callable
from typing import Protocol

from infra_assets.environments.language.model import ExecutionContext, Value


class StackOutputs(Protocol):
    """Reads the outputs of stacks, for `pulumi-stacks`."""

    def outputs(self, project: str, stack: str) -> Value:
        """Return a stack's outputs as an object; those that are secret are marked as such.

        Raises:
            ProviderError: there is no such stack, or it has not been deployed.
        """
        ...


class OidcTokens(Protocol):
    """Signs tokens as an OpenID Connect identity provider that AWS accounts trust, for `aws-login`."""

    @property
    def fixed(self) -> bool:
        """Whether somebody else has decided the claims: then none are asked for, and `token` is given empty ones."""
        ...

    def token(self, audience: str, subject: str) -> str:
        """Return a signed token with these claims.

        Raises:
            ProviderError: there is none to be had.
        """
        ...


MayAssume = Callable[[ExecutionContext, str], bool]
"""Says whether an environment may have a role (its ARN) assumed with the operations account's credentials, or with this host's token."""
MayRead = Callable[[ExecutionContext, str], bool]
"""Says whether an environment may read the outputs of a stack (its name: the TEP's)."""
