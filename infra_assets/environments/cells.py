"""From a TEP's evaluated environment to the configuration of its cells, and to its logins."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, cast

from infra_assets.environments import layers
from infra_assets.environments.language import Evaluation
from infra_assets.environments.language.model import Document, ProviderError, Providers, Site, Value
from infra_assets.environments.providers import stack_references
from infra_assets.environments.remembering import Remembering
from infra_assets.environments.resolution import CellConfiguration, Login, Problem, Wanted, placed
from infra_assets.fleet.models import Tep

LOGIN = "aws-login"
STACKS = "pulumi-stacks"
PROVIDER = "aws"
PROVIDER_SETTINGS = ("defaultTags", "ignoreTags", "maxRetries", "retryMode")
PROVIDER_SAYS = "credentials come from aws.login, region and account from the fleet's register"


class Opener(Protocol):
    """Evaluates again, with something opened."""

    @property
    def providers(self) -> Providers:
        """The providers."""
        ...

    def open(self, document: Document, sites: frozenset[Site], providers: Providers) -> Evaluation:
        """Evaluate with these sites opened."""
        ...

    def told(self, evaluation: Evaluation) -> tuple[list[Problem], list[str]]:
        """Return an evaluation's errors and warnings."""
        ...

    def place(self, environment: str) -> str:
        """Return where a person finds an environment."""
        ...


class Cells:
    """The cells of one TEP; `closed` opens nothing."""

    def __init__(self, resolver: Opener, tep: Tep, document: Document, evaluation: Evaluation, *, closed: bool) -> None:
        self._closed = closed
        self._resolver = resolver
        self._tep = tep
        self._document = document
        self._evaluation = evaluation
        self._providers = Remembering(resolver.providers)
        self._closed_parts: Mapping[str, Mapping[str, Value]] | None = None
        self.problems: list[Problem] = []

    def cell(self, wanted: Wanted) -> CellConfiguration:
        """Return one cell's configuration."""
        found = self._select(self._evaluation, wanted)
        if not any(_is_unknown(value) for part in found.parts for value in part.values()):
            return found
        pending = _pending(found)
        if not pending:
            return self._known(found)
        stacks = self._stacks(pending, wanted)
        if self._closed:
            return CellConfiguration(stacks=stacks, unresolved="nothing was opened")
        opened = self._resolver.open(self._document, pending, self._providers)
        errors, _ = self._resolver.told(opened)
        if errors:
            return CellConfiguration(stacks=stacks, unresolved="; ".join(map(str, errors)))
        return self._known(replace(self._select(opened, wanted), stacks=stacks))

    def _known(self, configuration: CellConfiguration) -> CellConfiguration:
        """Refuse what is unknown though nothing is left to be opened: the language lets a few such values pass without a word."""
        for part in configuration.parts:
            for key, value in part.items():
                if _is_unknown(value):
                    self._refuse(value, f"{key} has no value")
        return configuration

    def logins(self, roles: Collection[str]) -> dict[str, Login]:
        """Return how to log in, by role; that one of `roles` has no login is a problem.

        Of others there is what can be had with nothing opened: a login to look with is no reason to open something in every rollout.
        """
        always = {*roles, *layers.READING}
        found = {role: login for role, path in layers.LOGINS.items() if (login := self._login(path, opening=role in always))}
        self._need(set(roles) - found.keys())
        return found

    def check_logins(self, roles: Collection[str]) -> None:
        """Make a problem of each of `roles` that has no login; nothing is opened, and nothing exported, where that can be told without."""
        self._need({role for role in roles if not self._logs_in(layers.LOGINS[role])})

    def _logs_in(self, path: tuple[str, ...]) -> bool:
        value = self._evaluation.at(*path)
        if value is not None and value.unknown and len(value.pending) == 1:
            site = next(iter(value.pending))
            if site.provider == LOGIN and self._evaluation.sites.known(site):
                return True
        return self._login(path) is not None

    def _need(self, roles: Collection[str]) -> None:
        for role in sorted(roles):
            path = ".".join(layers.LOGINS[role])
            self._refuse(None, f"has no {path}: import fleet/{self._tep.name}, or define {path} with fn::open::aws-login")

    def _login(self, path: tuple[str, ...], *, opening: bool = True) -> Login | None:
        value = self._evaluation.at(*path)
        if value is None:
            return None
        if not value.unknown:
            return Login(credentials=value)
        evaluation = self._evaluation
        own = [site for site in value.pending if site.provider == LOGIN]
        others = value.pending - set(own)
        if others and not opening:
            return None
        if others:  # its inputs are something opened themselves
            evaluation = self._resolver.open(self._document, others, self._providers)
        site = next(iter(own), None)
        inputs = evaluation.sites.get(site) if site else None
        if site is None or inputs is None:
            return None
        return Login(inputs=Value(dict(inputs)), current_environment=site.environment)

    def _select(self, evaluation: Evaluation, wanted: Wanted) -> CellConfiguration:
        variables, files = (evaluation.environment_variables(), evaluation.files()) if wanted.environment else ({}, {})
        missing = [name for name in wanted.environment if name not in variables and name not in files]
        for name in missing:
            self._refuse(None, f"project {wanted.project} reads {name}: it is neither in environmentVariables nor in files")
        configuration = evaluation.at(layers.CONFIGURATION)
        if configuration and configuration.unknown:
            return CellConfiguration(values={layers.CONFIGURATION: configuration})
        own = _own(self._parts(evaluation, configuration), wanted.project)
        if wanted.project == PROVIDER:
            self._refuse_provider_settings(own)
        return CellConfiguration(
            values=own,
            variables={name: variables[name] for name in wanted.environment if name in variables},
            files={name: files[name] for name in wanted.environment if name in files},
        )

    def _parts(self, evaluation: Evaluation, configuration: Value | None) -> Mapping[str, Mapping[str, Value]]:
        if evaluation is self._evaluation and self._closed_parts is not None:
            return self._closed_parts
        every = configuration.value if configuration else None
        if configuration and not isinstance(every, dict):
            self._refuse(configuration, f"{layers.CONFIGURATION} is not an object of keys and values")
        parts = _by_project(every) if isinstance(every, dict) else {}
        if configuration and configuration.secret:
            parts = {space: {key: _secret(value) for key, value in part.items()} for space, part in parts.items()}
        self._refuse_provider_settings(parts.get(PROVIDER, {}))
        if evaluation is self._evaluation:
            self._closed_parts = parts
        return parts

    def _refuse_provider_settings(self, own: Mapping[str, Value]) -> None:
        """Who the provider is, and where, is not for `pulumiConfig` to say: that would get around `aws.login` and the register."""
        for key, value in own.items():
            space, _, name = key.partition(":")
            if space != PROVIDER:
                continue
            if name not in PROVIDER_SETTINGS:
                self._refuse(value, f"{key} is not for environments to set (they may set {', '.join(PROVIDER_SETTINGS)}): {PROVIDER_SAYS}")
            elif _holds_secret(value):
                self._refuse(value, f"{key} holds a secret: what is set for the provider is stored in clear")
            elif name == "defaultTags" and (wrong := _bad_tags(value.plain())):
                self._refuse(value, f"{key} {wrong}")

    def _refuse(self, value: Value | None, message: str) -> None:
        range_ = value.definition if value else None
        problem = Problem(placed(self._resolver.place(range_.environment) if range_ else self._root, range_), message)
        if problem not in self.problems:
            self.problems.append(problem)

    @property
    def _root(self) -> str:
        return self._document.place or self._document.name

    def _stacks(self, pending: frozenset[Site], wanted: Wanted) -> tuple[str, ...]:
        """Return the projects of this TEP whose outputs these sites read; each must be deployed before this one."""
        found: set[str] = set()
        for site in pending:
            inputs = self._evaluation.sites.get(site) if site.provider == STACKS else None
            with suppress(ProviderError):  # opening it will say what is wrong
                found |= {project for project, stack in stack_references(inputs or {}) if stack == self._tep.name}
        if wanted.project in found:
            self._refuse(None, f"{wanted.project} cannot be configured by its own outputs")
        for project in sorted(found - {wanted.project, *wanted.depends_on}):
            self._refuse(
                None,
                f"the configuration of {wanted.project} reads outputs of {project}, but "
                f"pulumi_programs/{wanted.project}/Pulumi.yaml does not depend on it: add it to depends_on",
            )
        return tuple(sorted(found))


def _secret(value: Value) -> Value:
    """Return a value as a secret, as is everything in one."""
    return replace(value, secret=True)


def _holds_secret(value: Value) -> bool:
    match value.value:
        case dict():
            return value.secret or any(_holds_secret(item) for item in value.value.values())
        case list():
            return value.secret or any(_holds_secret(item) for item in value.value)
        case _:
            return value.secret


def _bad_tags(plain: Any) -> str:
    """Say what about default tags is not as the provider takes them; "" where nothing is."""
    given = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {}
    tags = given.get("tags")
    if given.keys() != {"tags"} or not isinstance(tags, dict):
        return "is not an object with tags by name: {tags: {owner: platform}}"
    odd = [name for name, text in cast("dict[str, Any]", tags).items() if not isinstance(text, str | int | float)]
    return f"has a tag that is no text: {', '.join(odd)}" if odd else ""


def _pending(configuration: CellConfiguration) -> frozenset[Site]:
    found: set[Site] = set()
    for part in configuration.parts:
        for value in part.values():
            _collect(value, found)
    return frozenset(found)


def _is_unknown(value: Value) -> bool:
    match value.value:
        case _ if value.unknown:
            return True
        case dict():
            return any(_is_unknown(item) for item in value.value.values())
        case list():
            return any(_is_unknown(item) for item in value.value)
        case _:
            return False


def _collect(value: Value, found: set[Site]) -> None:
    if value.pending:
        found |= value.pending
    inner = value.value
    if isinstance(inner, dict):
        for item in inner.values():
            _collect(item, found)
    elif isinstance(inner, list):
        for item in inner:
            _collect(item, found)


def _by_project(every: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """Return `pulumiConfig` by project; the provider's keys under `aws`, those without a project under "". null means not set."""
    found: dict[str, dict[str, Value]] = {}
    for key, value in every.items():
        if value.value is not None or value.unknown:
            space, colon, _ = key.partition(":")
            found.setdefault(space if colon else "", {})[key] = value
    return found


def _own(parts: Mapping[str, Mapping[str, Value]], project: str) -> dict[str, Value]:
    """Return what a project gets of them."""
    general = {f"{project}:{key}": value for key, value in parts.get("", {}).items()}
    return {**parts.get(PROVIDER, {}), **general, **parts.get(project, {})}
