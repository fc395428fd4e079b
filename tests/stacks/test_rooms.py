"""Rooms that killed operations have left."""

import os
import time
from pathlib import Path

from infra_assets.stacks.rooms import KEPT_S, rooms, sweep


def room(folder: Path, name: str, age_s: float) -> Path:
    made = folder / name
    (made / "work").mkdir(parents=True)
    (made / "work" / "Pulumi.yaml").touch()
    then = time.time() - age_s
    for path in (made / "work" / "Pulumi.yaml", made / "work", made):
        os.utime(path, (then, then))
    return made


def test_what_was_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    folder = rooms(tmp_path)
    left, used = room(folder, "network-acme-prod-x", KEPT_S + 60), room(folder, "network-acme-prod-y", KEPT_S - 60)
    busy = room(folder, "cluster-acme-prod-z", KEPT_S + 60)
    (busy / "work" / "events").touch()
    assert sweep(folder) == 1
    assert (left.exists(), used.exists(), busy.exists()) == (False, True, True)


def test_where_nothing_was_ever_deployed(tmp_path: Path) -> None:
    assert sweep(rooms(tmp_path)) == 0
