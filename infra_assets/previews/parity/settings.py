"""Reads what is compared of TEPs from their environments: settings. Nothing is opened."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from infra_assets.environments import layers
from infra_assets.environments.language import Evaluation, Value
from infra_assets.environments.language.model import LoadError
from infra_assets.environments.resolver import Resolver
from infra_assets.errors import InfraError
from infra_assets.fleet.models import Tep
from infra_assets.previews.parity.leaves import Neutral, read_setting
from infra_assets.previews.parity.result import SETTING, Unread
from infra_assets.previews.parity.sides import Asked, Item, Sides, Variant
from infra_assets.stacks.declared import Secrets


def read_settings(resolver: Resolver, asked: Sequence[Asked], digests: Secrets | InfraError, found: Sides) -> None:
    """Read the settings of TEPs; an environment that does not evaluate is noted with its cause."""
    for each in asked:
        if isinstance(digests, InfraError):
            found.unread.append(Unread(each.tep.name, "", SETTING, digests.message))
            continue
        try:
            evaluation = _evaluated(resolver, each.tep)
        except (LoadError, InfraError) as error:
            found.unread.append(Unread(each.tep.name, "", SETTING, getattr(error, "message", "") or str(error)))
            continue
        for project in ("", *each.projects):
            found.note(SETTING, project, each.tep.name)
        made = Neutral(each.tep, ())
        for project, key, value in _settings(evaluation, each):
            leaves, set_by = read_setting(value, made, digests.digest)
            found.add(Item(project, SETTING, key), each.tep.name, Variant(leaves, set_by))


def _evaluated(resolver: Resolver, tep: Tep) -> Evaluation:
    problems = resolver.denied(tep)
    if not problems:
        evaluation = resolver.evaluate(tep)
        problems, _ = resolver.told(evaluation)
        if not problems:
            return evaluation
    raise InfraError("; ".join(dict.fromkeys(map(str, problems))))


def _settings(evaluation: Evaluation, asked: Asked) -> list[tuple[str, str, Value]]:
    """Return a TEP's settings with their projects: its configuration, and the variables and files that its programs read."""
    configuration = evaluation.at(layers.CONFIGURATION)
    found: list[tuple[str, str, Value]] = []
    if configuration is not None and (configuration.unknown or not isinstance(configuration.value, dict)):
        found.append(("", layers.CONFIGURATION, configuration))
    elif configuration is not None and isinstance(configuration.value, dict):
        found += _keys(configuration, configuration.value, asked)
    variables: Mapping[str, Value] = evaluation.environment_variables()
    files: Mapping[str, Value] = evaluation.files()
    for project, names in asked.variables.items():
        found += [(project, f"${name}", variables[name]) for name in names if name in variables]
        found += [(project, f"file {name}", files[name]) for name in names if name in files]
    return found


def _keys(whole: Value, every: Mapping[str, Value], asked: Asked) -> list[tuple[str, str, Value]]:
    found: list[tuple[str, str, Value]] = []
    for key, value in every.items():
        if value.value is None and not value.unknown:  # null means not set
            continue
        space = key.partition(":")[0] if ":" in key else ""
        if space not in asked.others:
            found.append((space if space in asked.projects else "", key, replace(value, secret=True) if whole.secret else value))
    return found
