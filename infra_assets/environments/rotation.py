"""Rotates what stands under `fn::rotate`, and writes the new state back to where the environment lives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from infra_assets.environments.language import Evaluator, apply_patches, parse, seal_secrets
from infra_assets.environments.language.model import LoadError
from infra_assets.environments.library import Library
from infra_assets.environments.opening import LazySealer, Teps, open_source, providers, with_facts
from infra_assets.environments.providers import StackOutputs
from infra_assets.environments.resolution import told
from infra_assets.environments.sources.protocol import SourceError
from infra_assets.environments.structure import rotations
from infra_assets.errors import InfraError, UsageError
from infra_assets.settings import Settings


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done."""

    rotated: Sequence[str]
    """Paths of what was rotated and written back."""
    revision: str
    problems: Sequence[str]


def rotate(settings: Settings, teps: Teps, name: str, paths: Sequence[str], *, stacks: StackOutputs, author: str) -> Rotated:
    """Rotate an environment's secrets, all or those at `paths`; what succeeded is written back even where others failed.

    Raises:
        UsageError: there is no such environment, or its source cannot be written to.
        InfraError: the new state could not be written; says that the secrets were rotated.
    """
    source = open_source(settings)
    sealer = LazySealer(settings)
    try:
        document = Library(source, decrypter=sealer).load(name)
    except LoadError as error:
        raise UsageError(str(error)) from None
    if not source.writable(name):
        raise UsageError(f"{name} lives where nothing can be written: {document.place}", remedy="A folder or the store can be written to.")
    declaration = parse(name, document.source).declaration
    sites = rotations(declaration) if declaration else []
    if unknown := [path for path in paths if path not in sites]:
        raise UsageError(f"{name} has no fn::rotate at {', '.join(unknown)}", remedy=f"It has: {', '.join(sites) or 'none'}.")
    library = Library(with_facts(settings, teps, source), decrypter=sealer)
    evaluation = Evaluator(library, providers(settings, teps, stacks)).rotate(document, paths=paths)
    problems = [str(told(item, document.place)) for item in evaluation.diagnostics if item.error]
    if not evaluation.patches:
        return Rotated((), document.revision, problems)
    changed = seal_secrets(apply_patches(document.source, evaluation.patches), lambda plaintext: sealer.sealer.encrypt(plaintext))
    try:
        revision = source.write(name, changed, expected=document.revision, author=author)
    except SourceError as error:
        raise InfraError(
            f"{name}: the secrets were rotated, but their new state could not be written: {error}",
            remedy="The rotator keeps the one before valid: mend the cause and rotate again.",
        ) from None
    return Rotated([_asked(patch.path) for patch in evaluation.patches], revision, problems)


def _asked(path: str) -> str:
    """Return a patch's path as a person gives it: `values.database.password["fn::rotate::password"].state` is `database.password`."""
    return re.sub(r'(\["fn::rotate.*"\]|\.fn::rotate.*)\.state$', "", path).removeprefix("values.")
