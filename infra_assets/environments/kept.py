"""Definitions that a rollout is pinned to, kept as they were: a source may forget, or never have known, an older revision.

A definition holds its secrets sealed, so that it may be kept as it is written.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.environments.language.model import Document
from infra_assets.environments.layers import FLEET
from infra_assets.environments.sources.protocol import Source
from infra_assets.fleet.database import UtcDateTime, metadata, now

kept = sa.Table(
    "kept_environments",
    metadata,
    sa.Column("name", sa.String(201), primary_key=True),
    sa.Column("revision", sa.String(64), primary_key=True),
    sa.Column("source", sa.LargeBinary, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=False),
)
CHUNK = 500


def keep(engine: Engine, documents: Iterable[Document]) -> None:
    """Keep what is not kept yet; what the register writes is not anybody's to pin."""
    rows = {
        (document.name, document.revision): {
            "name": document.name, "revision": document.revision, "source": document.source, "place": document.place, "kept_at": now(),
        }
        for document in documents
        if not document.name.startswith(f"{FLEET}/")
    }  # fmt: skip
    names = sorted({name for name, _ in rows})
    with engine.begin() as connection:
        for start in range(0, len(names), CHUNK):
            known = sa.select(kept.c.name, kept.c.revision).where(kept.c.name.in_(names[start : start + CHUNK]))
            for name, revision in connection.execute(known).all():
                rows.pop((name, revision), None)
        if rows:
            connection.execute(sa.insert(kept), list(rows.values()))


class WithKept:
    """A source, with older revisions out of what was kept."""

    def __init__(self, engine: Engine, below: Source) -> None:
        self._engine = engine
        self._below = below

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment.

        Raises:
            SourceError: the source does not answer.
        """
        return self._below.list()

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment; at a revision, what was kept of it before the source is asked.

        Raises:
            MissingEnvironmentError: there is none.
            SourceError: the source does not answer.
        """
        if revision is not None and (found := self._kept(name, revision)):
            return found
        return self._below.read(name, revision)

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means.

        Raises:
            MissingRevisionError: no such tag.
        """
        return self._below.tag(name, tag)

    def _kept(self, name: str, revision: str) -> Document | None:
        same = (kept.c.name == name) & (kept.c.revision == revision)
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(kept.c.source, kept.c.place).where(same)).one_or_none()
        return Document(name, revision, row.source, place=row.place) if row else None
