"""A TEP's environment as it was: at a git ref, at a revision, or as it was deployed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra_assets.environments import layers
from infra_assets.environments.opening import folders, open_source
from infra_assets.environments.sources.protocol import Source, SourceError
from infra_assets.errors import UsageError
from infra_assets.fleet.models import Tep
from infra_assets.settings import Settings


def history_source(settings: Settings, tep: Tep, at: str) -> dict[str, Any]:
    """Return what to open a resolver with, to see a TEP's environment at a git ref or at a revision.

    Raises:
        UsageError: it is neither.
    """
    from infra_assets.environments.sources.git import GitSource

    instead: dict[str, Source] = {}
    refused: list[str] = []
    for word, folder in folders(settings).items():
        found = _repository(folder)
        if found is None:
            continue
        try:
            instead[word] = GitSource(found, at, folder.relative_to(found).as_posix().removeprefix("."))
        except SourceError as error:
            refused.append(str(error))
    if instead:
        return {"source": open_source(settings, instead=instead)}
    name = layers.root(tep)
    try:
        open_source(settings).read(name, at)
    except SourceError as error:
        why = "; ".join(refused) or str(error)
        raise UsageError(f"--at {at}: neither a git ref nor a revision of {name}: {why}") from None
    return {"pins": {name: at}}


def pins(closure: Mapping[str, str]) -> dict[str, str]:
    """Return the revisions of a closure to go back to; what the register writes has no history and is as it is now."""
    return {name: revision for name, revision in closure.items() if not name.startswith(f"{layers.FLEET}/")}


def _repository(folder: Path) -> Path | None:
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
