"""The mirror and the work trees that the settings speak of."""

from infra_assets.programs.location import load_location
from infra_assets.programs.mirror import Mirror
from infra_assets.programs.trees import Trees
from infra_assets.settings import Settings


def open_mirror(settings: Settings) -> Mirror:
    """Return the mirror of the programs' repository, in HOME/programs.

    Raises:
        UsageError: targets.yaml does not say where that is.
    """
    location = load_location(settings.targets)
    return Mirror(settings.home / "programs", location.programs, allow=location.allow, root=settings.root)


def open_trees(settings: Settings) -> Trees:
    """Return the work trees of its commits, in HOME/programs/trees.

    Raises:
        UsageError: targets.yaml does not say where the repository is.
    """
    return Trees(settings.home / "programs", open_mirror(settings))
