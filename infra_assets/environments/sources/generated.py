"""Environments that are made in memory, such as what the fleet knows of a TEP."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import canonical_name
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, blob_id, check_size, without_tags


class GeneratedSource:
    """Read-only documents from a function, which is asked again at each `list`; a revision is the content's blob id."""

    def __init__(self, documents: Callable[[], Mapping[str, bytes]], *, place: str = "generated") -> None:
        self._documents = documents
        self._place = place
        self._known: dict[str, Document] = {}
        self._listed: Mapping[str, str] | None = None

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment.

        Raises:
            InvalidNameError: the function gave a name that is none.
            SourceError: the function gave a definition that is too long.
        """
        known = {name: self._document(name, source) for name, source in self._documents().items()}
        if self._listed is None or known != self._known:
            self._known = known
            self._listed = MappingProxyType({name: document.revision for name, document in known.items()})
        return self._listed

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment as it was when last listed.

        Raises:
            MissingEnvironmentError: none of that name, or at another revision.
        """
        if self._listed is None:
            self.list()
        document = self._known.get(name)
        if document is None:
            raise MissingEnvironmentError(f"there is no environment {name} among those that are {self._place}")
        if revision not in (None, document.revision):
            raise MissingRevisionError(f"{name} is {self._place}: revision {revision} of it is not kept")
        return document

    def tag(self, name: str, tag: str) -> str:
        """Return the current revision for `latest`.

        Raises:
            MissingRevisionError: another tag.
        """
        return without_tags(self, name, tag, f"what is {self._place}")

    def _document(self, name: str, source: bytes) -> Document:
        known = self._known.get(name)
        if known is not None and known.source == source:
            return known
        canonical_name(name)
        check_size(name, len(source))
        return Document(name, blob_id(source), source, place=f"{self._place}: {name}")
