"""Runs a project's `__main__.py` as the inline program of an operation: the same file that a bare `pulumi up` runs."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

from infra_assets.stacks.projects import PROGRAMS, Project


def inline_program(project: Project) -> Callable[[], None]:
    """Return the program as a function for the Automation API.

    Its package is looked up in the folder that the project was discovered in, before anything installed.
    """

    def program() -> None:
        import_from(project.folder.parent.parent)
        runpy.run_path(str(project.program), run_name="__main__")

    return program


def import_from(root: Path) -> None:
    """Make `pulumi_programs` mean the one in `root`; one of elsewhere is forgotten."""
    if sys.path[0] != str(root):
        sys.path.insert(0, str(root))
    loaded = getattr(sys.modules.get(PROGRAMS), "__file__", None)
    if loaded and Path(loaded).parent != root / PROGRAMS:
        for name in [name for name in sys.modules if name == PROGRAMS or name.startswith(f"{PROGRAMS}.")]:
            del sys.modules[name]
