"""Rooms: the folders that operations work in. Each takes its own away at its end; one whose process was killed leaves it."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

KEPT_S = 24 * 3600
"""A room that nothing was put into for so long is nobody's: the engine of a killed worker may go on for a while, but not for a day."""


def rooms(home: Path) -> Path:
    """Return the folder that rooms are made in."""
    return home / "work"


def sweep(folder: Path, *, kept_s: float = KEPT_S) -> int:
    """Take rooms away that were left behind, and return how many."""
    oldest, swept = time.time() - kept_s, 0
    for room in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):  # its owner has come first
            if _last_touched(room) < oldest:
                shutil.rmtree(room)
                swept += 1
    return swept


def _last_touched(room: Path) -> float:
    """Return when something was last put into a room, or written at its first levels."""
    return max(path.stat(follow_symlinks=False).st_mtime for path in (room, *room.glob("*"), *room.glob("*/*")))
