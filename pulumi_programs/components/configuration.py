"""Typed configuration: one model per project, read from the stack's configuration in one step, with every problem told at once.

A project's `config.py` declares a model; its program calls `load(Model)`. Values arrive as strings, as Pulumi hands them over; a structured
value is declared `pydantic.Json[list[str]]`. A value that may be a secret is declared `SensitiveText`: it becomes a secret of the stack's
state when the configuration says that it is one. Any other key that holds a secret is refused, because it would be stored in clear.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from pulumi_programs.components.fields import hint, plain


class ConfigurationError(pulumi.RunError):
    """A stack's configuration does not fit its project. The message has one line per problem; the SDK prints it without a traceback."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Configuration(BaseModel):
    """Base of every project's model: unknown keys are refused, and errors never show values."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, repr=False)
class Sensitive:
    """A text that may be a secret. Has no `repr`, so that it can't end up in a log."""

    value: str
    secret: bool

    def output(self) -> pulumi.Output[str]:
        """Return the text as an output: encrypted in the state if the configuration marks it as a secret."""
        return pulumi.Output.secret(self.value) if self.secret else pulumi.Output.from_input(self.value)


def _sensitive(value: object, info: ValidationInfo) -> object:
    secrets: frozenset[str] = info.context or frozenset()
    return Sensitive(value, secret=info.field_name in secrets) if isinstance(value, str) else value


SensitiveText = Annotated[Sensitive, BeforeValidator(_sensitive)]

Model = TypeVar("Model", bound=Configuration)


def load(model: type[Model]) -> Model:
    """Return the running stack's configuration of its own project, all keys of the project's namespace.

    Raises:
        ConfigurationError: keys are missing, unknown, of a wrong kind, or secret where the program can't keep a secret.
    """
    project = pulumi.get_project()
    values = _values(project)
    secrets = frozenset(key for key in values if is_config_secret(f"{project}:{key}"))
    place = f"{model.__module__.replace('.', '/')}.py: stack {pulumi.get_stack()}: {project}:"
    problems = [f"{key}: {_LEAKS}" for key in sorted(secrets) if not _may_be_secret(model, key)]
    try:
        loaded = model.model_validate(values, context=secrets)
    except ValidationError as error:
        problems += [_problem(model, item, secrets) for item in error.errors(include_input=False, include_url=False)]
        loaded = None
    if loaded is None or problems:
        raise ConfigurationError(f"{place}{problem}" for problem in problems) from None
    return loaded


_LEAKS = "is a secret, but the program keeps this setting in clear (give it as plain text)"


def _values(project: str) -> dict[str, Any]:
    # The SDK has no public way to list keys, without which a misspelt one goes unnoticed. CONFIG is set by the Automation API,
    # the environment by the CLI's language host.
    everything: dict[str, Any] = CONFIG.get() or get_config_env()
    prefix = f"{project}:"
    return {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}


def _may_be_secret(model: type[Configuration], key: str) -> bool:
    field = model.model_fields.get(key)
    # A key that the model doesn't know is told as such, not as a secret.
    return field is None or plain(field.annotation) is Sensitive


def _problem(model: type[Configuration], item: ErrorDetails, secrets: frozenset[str]) -> str:
    if not item["loc"]:
        return f" {_reason(item, secret=bool(secrets))}"  # of the settings as a whole
    key = ".".join(str(part) for part in item["loc"])
    name = str(item["loc"][0])
    if item["type"] == "extra_forbidden":
        return f"{key}: {_unknown(model, name)}"
    field = model.model_fields.get(name)
    expected = f" ({hint(field)})" if field else ""
    return f"{key}: {_reason(item, secret=name in secrets)}{expected}"


def _unknown(model: type[Configuration], name: str) -> str:
    near = get_close_matches(name, model.model_fields, n=1)
    return f"unknown key (did you mean {near[0]}?)" if near else f"unknown key (known: {', '.join(model.model_fields)})"


def _reason(item: ErrorDetails, *, secret: bool) -> str:
    if secret:
        return "is not valid; it is a secret and not shown"
    if item["type"] == "value_error":
        return str(item.get("ctx", {}).get("error", item["msg"]))
    return item["msg"][:1].lower() + item["msg"][1:]
