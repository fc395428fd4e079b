"""Symbolic links among programs: those that stay among them are fine."""

from pathlib import Path


def leads_outside(link: Path, programs: Path) -> bool:
    """Return whether a symbolic link leads, through whatever others, out of the folder of the programs."""
    return link.readlink().is_absolute() or not link.resolve().is_relative_to(programs.resolve())
