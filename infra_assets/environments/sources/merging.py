"""Merges a text that two sides have changed, as git does: line by line, with what both started from."""

from collections.abc import Mapping

import pygit2
from pygit2.enums import FileMode, ObjectType

from infra_assets.environments.sources.protocol import blob_id


class _Held(pygit2.OdbBackend):
    """An object store in memory. libgit2 merges what is in one, and what lies on disk is in none: nobody's repository is written to."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]  # pygit2 does not say what it takes
        self._blobs = blobs

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        """Return a blob, as libgit2 asks for it."""
        return int(ObjectType.BLOB), self._blobs[str(oid)]


def merge(ancestor: bytes | None, ours: bytes, theirs: bytes) -> bytes | None:
    """Return the merged text, None where both changed the same lines; `ancestor` is None where both added it."""
    # Also because pygit2 fails where nothing is left, which is so only when one side has changed it.
    if theirs in (ours, ancestor):
        return ours
    if ours == ancestor:
        return theirs
    sides = [None if side is None else (blob_id(side), side) for side in (ancestor, ours, theirs)]
    if not all(side is None or _text(side[1]) for side in sides):
        return None
    store = pygit2.Odb()
    store.add_backend(_Held(dict(filter(None, sides))), 1)
    repository = pygit2.Repository()
    repository.set_odb(store)
    entries = [pygit2.IndexEntry("it", pygit2.Oid(hex=side[0]), FileMode.BLOB) if side else None for side in sides]
    merged = repository.merge_file_from_index(*entries, use_deprecated=False)
    return merged.contents.encode() if merged.automergeable else None


def _text(side: bytes) -> bool:
    """Say whether it is what libgit2 takes for text, and gives back whole."""
    try:
        return "\0" not in side.decode()
    except UnicodeDecodeError:
        return False
