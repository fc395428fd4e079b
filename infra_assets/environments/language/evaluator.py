"""Evaluates environments as the official evaluator does, and keeps what does not depend on the root for the next one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from infra_assets.environments.language.declaration import Parsed, parse
from infra_assets.environments.language.evaluation import Evaluation, Patch, Sites
from infra_assets.environments.language.model import Diagnostic, Document, Environments, Opens, Providers, Site, Value
from infra_assets.environments.language.paths import parse_path
from infra_assets.environments.language.schema import Schema, SchemaError, from_json
from infra_assets.environments.language.session import Record, Session

_NO_CONTEXT: Mapping[str, Value] = MappingProxyType({})
_TOO_DEEP = "references, imports or values are nested too deep"


def always(_site: Site) -> bool:
    """Open everything."""
    return True


class Evaluator:
    """Evaluates environments; `environments` and `providers` are asked for what is imported and opened.

    `context` is what `${context…}` holds besides the names of environments. What is imported is loaded and evaluated once, until it is
    forgotten. Not to be used by two threads at once.
    """

    def __init__(self, environments: Environments, providers: Providers, *, context: Mapping[str, Value] = _NO_CONTEXT) -> None:
        self.providers = providers
        self._environments = environments
        self._context = context
        self._records: dict[tuple[str, str], Record] = {}
        self._documents: dict[str, tuple[Document, Parsed]] = {}
        self._schemas: dict[int, tuple[Any, Schema]] = {}

    def evaluate(
        self,
        document: Document,
        *,
        name: str | None = None,
        opens: Opens = always,
        context: Mapping[str, Value] | None = None,
        parsed: Parsed | None = None,
    ) -> Evaluation:
        """Evaluate an environment; what `opens` refuses is not opened: its value stays unknown, and pending.

        `parsed` is the document as `parse` reads it, where that was done already.
        """
        return self._evaluate(document, name, self._session(opens=opens, context=context), parsed)

    def check(self, document: Document, *, name: str | None = None, show_secrets: bool = False) -> Evaluation:
        """Evaluate an environment without opening anything; what is opened is known by its schema alone."""
        return self._evaluate(document, name, self._session(checking=True, show_secrets=show_secrets))

    def rotate(self, document: Document, *, name: str | None = None, paths: Sequence[str] = ()) -> Evaluation:
        """Evaluate an environment and rotate its secrets: all of them, or those at `paths`, below `values`.

        Raises:
            ValueError: a path is none.
        """
        session = self._session()
        session.rotating = True
        session.rotated = frozenset(map(parse_path, paths))
        return self._evaluate(document, name, session)

    def forget(self, names: Iterable[str]) -> None:
        """Drop all that rests on environments that have changed, by their canonical names."""
        changed = set(names)
        self._documents = {key: held for key, held in self._documents.items() if held[0].name not in changed}
        stale = [key for key, record in self._records.items() if not changed.isdisjoint(record.closure)]
        for key in stale:
            del self._records[key]
        if stale:
            for record in self._records.values():
                record.forget_merged()

    # --- for sessions

    def recall(self, name: str, session: Session) -> Record | None:
        """Return what an import came to earlier, if it does not depend on anything that is different now."""
        record = self._records.get((_mode(session), name))
        return None if record and record.hosted and session.context is not self._context else record

    def keep(self, record: Record, session: Session) -> None:
        """Keep what an import came to, if that does not depend on the root, or on more than documents."""
        if record.volatile or record.cyclic or record.rooted or (record.hosted and session.context is not self._context):
            return
        record.shared = True
        self._records[_mode(session), record.name] = record

    def document(self, name: str) -> tuple[Document, Parsed]:
        """Return a document by the name of an import.

        Raises:
            LoadError: there is none.
        """
        found = self._documents.get(name)
        if found is None:
            document = self._environments.load(name)
            found = self._documents[name] = document, parse(name, document.source)
        return found

    def schema(self, plain: Any) -> Schema:
        """Return a provider's schema."""
        found = self._schemas.get(id(plain))
        if found is None or found[0] is not plain:
            found = self._schemas[id(plain)] = plain, _compiled(plain)
        return found[1]

    def _session(
        self, *, checking: bool = False, show_secrets: bool = False, opens: Opens = always, context: Mapping[str, Value] | None = None
    ) -> Session:
        held = self._context if context is None else context
        return Session(self, checking=checking, show_secrets=show_secrets, opens=opens, context=held)

    def _evaluate(self, document: Document, name: str | None, session: Session, parsed: Parsed | None = None) -> Evaluation:
        named = document.name if name is None else name
        parsed = parsed or parse(named, document.source)
        closure = {document.name: document.revision}
        if parsed.declaration is None or parsed.declaration.empty:
            return Evaluation(None, parsed.diagnostics, (), closure)
        try:
            _, record = session.root(document, parsed, named)
        except RecursionError:
            return Evaluation(None, parsed.diagnostics, (Diagnostic("error", _TOO_DEEP),), closure)
        patches = tuple(Patch(path, value) for path, value in session.patches.items())
        return Evaluation(
            record.value, parsed.diagnostics, _told(record), record.closure, tuple(record.opened), Sites(record.sites), patches
        )


def _mode(session: Session) -> str:
    if not session.checking:
        return "evaluate"
    return "check, secrets shown" if session.show_secrets else "check"


def _compiled(plain: Any) -> Schema:
    try:
        schema = from_json(plain)
        schema.compile()
    except SchemaError as problem:
        raise ValueError(f"a provider's schema is wrong: {problem}") from problem
    return schema


def _told(record: Record) -> tuple[Diagnostic, ...]:
    if not record.said:
        return ()
    told: list[Diagnostic] = []
    seen: set[str] = set()
    _tell(record, told.append, seen)
    return tuple(told)


def _tell(record: Record, tell: Callable[[Diagnostic], None], seen: set[str]) -> None:
    for said in record.said:
        if isinstance(said, Diagnostic):
            tell(said)
        elif said.name not in seen:
            seen.add(said.name)
            _tell(said, tell, seen)
