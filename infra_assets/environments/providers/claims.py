"""The claims of the tokens that `aws-login` shows to AWS, as the official service makes them.

A role's trust policy must ask for both, `aud` and `sub`. Without `subjectAttributes` every environment of the organization has the same
subject. `currentEnvironment.name` is where the login is defined: one in a shared import must ask for `rootEnvironment.name` to keep
tenants apart.
"""

from collections.abc import Callable, Mapping, Sequence

from infra_assets.environments.language.model import ExecutionContext, ProviderError

PREFIX = "pulumi:environments"
ORGANIZATION = "pulumi.organization.login"
DEFAULT_PROJECT = "default"


def audience(context: ExecutionContext) -> str:
    """Return the audience: `aws:ORGANIZATION`, without the `aws:` for environments of the project `default`.

    Raises:
        ProviderError: the context names no organization.
    """
    organization = _organization(context)
    return organization if _project(context.current_environment) == DEFAULT_PROJECT else f"aws:{organization}"


def subject(context: ExecutionContext, attributes: Sequence[str]) -> str:
    """Return the subject: the organization, then each attribute with its value, in the order given.

    Raises:
        ProviderError: there is no such attribute, or the context does not hold it.
    """
    parts = [PREFIX, ORGANIZATION, _organization(context)]
    for attribute in attributes:
        reader = ATTRIBUTES.get(attribute)
        if reader is None:
            raise ProviderError(f"aws-login: there is no subject attribute {attribute!r}: {', '.join(ATTRIBUTES)}")
        if attribute != ORGANIZATION:
            parts += [attribute, reader(context)]
    return ":".join(parts)


def _organization(context: ExecutionContext) -> str:
    return _host(context, "organization")


def _user(context: ExecutionContext) -> str:
    return _host(context, "user")


def _root(context: ExecutionContext) -> str:
    return _shown(context.root_environment)


def _current(context: ExecutionContext) -> str:
    return _shown(context.current_environment)


ATTRIBUTES: Mapping[str, Callable[[ExecutionContext], str]] = {
    "rootEnvironment.name": _root,
    "currentEnvironment.name": _current,
    "pulumi.user.login": _user,
    ORGANIZATION: _organization,
}


def _host(context: ExecutionContext, whose: str) -> str:
    found = context.values.get("pulumi")
    for name in (whose, "login"):
        found = found.value.get(name) if found is not None and isinstance(found.value, dict) else None
    if found is None or not isinstance(found.value, str) or not found.value:
        raise ProviderError(f"aws-login: oidc needs context.pulumi.{whose}.login, and the context does not hold it")
    return found.value


def _project(environment: str) -> str:
    project, slash, _ = environment.partition("/")
    return project if slash else DEFAULT_PROJECT


def _shown(environment: str) -> str:
    """Return an environment's name as the service writes it: without the project where that is `default`."""
    return environment.removeprefix(f"{DEFAULT_PROJECT}/")
