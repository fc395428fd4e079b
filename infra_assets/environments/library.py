"""What the evaluator loads from: a source, seen at one revision of each environment for as long as one wants."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType

from infra_assets.environments.language.model import Decrypter, Document, LoadError
from infra_assets.environments.names import LATEST, Name, parse_name
from infra_assets.environments.sources.protocol import MissingEnvironmentError, Source, SourceError

OWNED = ("tenants", "fleet")
"""Projects whose environments are somebody's: none is suggested for another."""
NEAR = 0.8
"""How alike a name must be to be meant by another, from 0 to 1."""


class Library:
    """Gives documents by the names that stand in imports, and pins each revision at first sight.

    What is pinned stays so until `refresh`; what `pins` gave stays so for good.
    """

    def __init__(
        self,
        source: Source,
        *,
        decrypter: Decrypter | None = None,
        pins: Mapping[str, str] | None = None,
    ) -> None:
        self._source = source
        self._decrypter = decrypter
        self._fixed = frozenset(pins or ())
        self._pinned: dict[str, str] = dict(pins or {})
        self._tags: dict[tuple[str, str], str] = {}
        self._documents: dict[tuple[str, str], Document] = {}
        self._listed: Mapping[str, str] | None = None
        self._absent: set[str] = set()
        self._new: set[str] = set(self._pinned)
        """What was pinned since the last `refresh`."""

    @property
    def pinned(self) -> Mapping[str, str]:
        """The revision of every environment that was loaded without a version, by canonical name."""
        return MappingProxyType(self._pinned)

    def documents(self) -> list[Document]:
        """Return everything that was loaded."""
        return list(self._documents.values())

    def load(self, name: str) -> Document:
        """Return a document by the name in an import: `shared/app`, `app`, `shared/app@3`, `shared/app@stable`.

        Raises:
            LoadError: it names nothing, or there is none.
        """
        wanted = parse_name(name)
        canonical = wanted.canonical
        revision = self._revision(wanted)
        document = self._documents.get((canonical, revision)) if revision is not None else None
        return document or self._read(canonical, revision)

    def names(self) -> Mapping[str, str]:
        """Return the current revision of every environment of the source, as of the last `refresh`.

        Raises:
            SourceError: the source does not answer.
        """
        if self._listed is None:
            self._listed = self._source.list()
        return self._listed

    def refresh(self) -> set[str]:
        """Look at the source again; returns what changed since the last time: canonical names, added, changed or removed.

        Before the first time nothing is known but what was loaded.

        Raises:
            SourceError: the source does not answer; nothing is changed then.
        """
        now = self._source.list()
        before = now if self._listed is None else self._listed
        moved = self._moved_tags()
        changed = {canonical for canonical, _ in moved}
        if now is not before:
            changed |= {name for name, revision in now.items() if before.get(name) != revision} | (before.keys() - now.keys())
        # An edit between a list and a read, and back again, shows in the pin alone; those of before were looked at the last time.
        changed |= {name for name in self._new if name in self._pinned and now.get(name) != self._pinned[name]}
        self._new.clear()
        changed |= {name for name in self._absent if name in now}
        changed -= self._fixed - {canonical for canonical, _ in moved}
        for name in changed - self._fixed:
            self._pinned.pop(name, None)
        for tag in moved:
            del self._tags[tag]
        kept = {(canonical, revision) for (canonical, _), revision in self._tags.items()}
        for key in [key for key in self._documents if key[0] in changed and key not in kept and self._pinned.get(key[0]) != key[1]]:
            del self._documents[key]
        self._absent -= changed
        self._listed = now
        return changed

    def _revision(self, name: Name) -> str | None:
        if name.version is None or name.version == LATEST:
            return self._pinned.get(name.canonical)
        if name.pinned:
            return name.version
        key = (name.canonical, name.version)
        if key not in self._tags:
            self._tags[key] = self._source.tag(name.canonical, name.version)
        return self._tags[key]

    def _read(self, canonical: str, revision: str | None) -> Document:
        try:
            document = self._source.read(canonical, revision)
        except MissingEnvironmentError as error:
            self._absent.add(canonical)
            near = self._near(canonical) if revision is None else []
            raise MissingEnvironmentError(f"{error}; did you mean {near[0]}?") if near else error from None
        except SourceError:
            self._absent.add(canonical)
            raise
        if self._decrypter is not None:
            document = replace(document, decrypter=self._decrypter)
        if revision is None:
            self._pinned[canonical] = document.revision
            self._new.add(canonical)
        self._documents[canonical, document.revision] = document
        return document

    def _near(self, canonical: str) -> list[str]:
        """Return what may have been meant: of the same project, never another tenant's."""
        project = canonical.partition("/")[0]
        names = [name for name in self.names() if name.startswith(f"{project}/")] if project not in OWNED else []
        return get_close_matches(canonical, names, n=1, cutoff=NEAR)

    def _moved_tags(self) -> list[tuple[str, str]]:
        return [key for key, revision in self._tags.items() if self._tag(*key) != revision]

    def _tag(self, canonical: str, tag: str) -> str | None:
        try:
            return self._source.tag(canonical, tag)
        except LoadError:
            return None
