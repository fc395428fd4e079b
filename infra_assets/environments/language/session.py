"""One evaluation of a root: what its documents share, and what is taken over from earlier evaluations."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infra_assets.environments.language.declaration import Import, Parsed
from infra_assets.environments.language.expressions import Expression
from infra_assets.environments.language.frame import ANONYMOUS, Frame
from infra_assets.environments.language.model import Diagnostic, Document, LoadError, Opens, Providers, Site
from infra_assets.environments.language.model import Value as Exported
from infra_assets.environments.language.paths import Path
from infra_assets.environments.language.schema import Schema
from infra_assets.environments.language.values import Value

if TYPE_CHECKING:
    from infra_assets.environments.language.evaluator import Evaluator


class Record:
    """An environment that was evaluated, with what that rests on.

    `said` holds its diagnostics, and between them the records of what it imports: their diagnostics are told where they are first needed,
    once in each evaluation of a root.
    """

    __slots__ = (
        "_layer", "_merged", "asked", "closes", "closure", "cyclic", "hosted", "layers", "name", "names", "noisy", "opened", "rooted",
        "said", "shared", "sites", "value", "volatile",
    )  # fmt: skip

    value: Value

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: set[str] = {name}
        """Every environment in its closure, as it was imported."""
        self.closure: dict[str, str] = {}
        self.said: list[Diagnostic | Record] = []
        self.noisy = False
        self.sites: dict[Site, Value | None] = {}
        self.opened: list[Site] = []
        self.asked: dict[Site, bool] = {}
        """Which opens were to be carried out; what it came to holds for the same answers."""
        self.layers = 1
        self.volatile = False
        """Whether it may come to something else the next time, though no document has changed."""
        self.cyclic = False
        self.rooted = False
        """Whether it depends on the root's name."""
        self.hosted = False
        """Whether it depends on the host's context."""
        self.shared = False
        """Whether it is kept for other roots."""
        self.closes = False
        """Whether there are closed values in it."""
        self._layer: Value | None = None
        self._merged: dict[Value, Value] = {}

    def use(self, other: "Record") -> None:
        """Take over what rests on another one."""
        self.names |= other.names
        self.closure.update(other.closure)
        self.volatile |= other.volatile
        self.cyclic |= other.cyclic
        self.rooted |= other.rooted
        self.hosted |= other.hosted
        self.closes |= other.closes
        if other.noisy:
            self.said.append(other)
        if other.asked:
            self.asked.update(other.asked)
            self.sites.update(other.sites)
        if other.opened:
            self.opened += [site for site in other.opened if site not in self.opened]

    def over(self, base: Value | None, *, shared: bool) -> Value:
        """Return its value merged over another one; `shared` says that both are kept for other roots, and so is this."""
        if self._layer is None:
            self._layer = self.value.opened() if self.closes else self.value
        if base is None:
            return self._layer
        found = self._merged.get(base)
        if found is None:
            found = self._layer.over(base)
            if shared:
                self._merged[base] = found
        return found

    def forget_merged(self) -> None:
        """Drop what was merged."""
        self._merged.clear()


class Session:
    """One evaluation."""

    def __init__(
        self, evaluator: "Evaluator", *, checking: bool, show_secrets: bool, opens: Opens, context: Mapping[str, Exported]
    ) -> None:
        self.checking = checking
        self.show_secrets = show_secrets
        self.opens = opens
        self.context = context
        self.providers: Providers = evaluator.providers
        self.rotating = False
        self.rotated: frozenset[Path] = frozenset()
        self.patches: dict[str, Exported] = {}
        self._evaluator = evaluator
        self._records: dict[str, Record] = {}
        self._evaluating: set[str] = set()

    def schema(self, plain: Any) -> Schema:
        """Return a provider's schema."""
        return self._evaluator.schema(plain)

    def rotates(self, path: Path) -> bool:
        """Whether a secret is to be rotated."""
        return self.rotating and (not self.rotated or path in self.rotated)

    def patch(self, path: str, value: Exported) -> None:
        """Note a rotated secret's new state."""
        self.patches[path] = value

    def root(self, document: Document, parsed: Parsed, name: str) -> tuple[Frame, Record]:
        """Evaluate the root."""
        assert parsed.declaration
        record = Record(name)
        record.closure[document.name] = document.revision
        frame = Frame(self, name, parsed.declaration, record, document.decrypter)
        frame.is_root = True
        self._evaluating.add(name)
        record.value = frame.run()
        self._evaluating.discard(name)
        return frame, record

    def load(self, frame: Frame, where: Expression | Import, name: str) -> Record | None:
        """Return an environment that a document imports; None where it cannot be had, which is reported there."""
        record = self._records.get(name) or self._recalled(name)
        if record is None:
            if name in self._evaluating:
                frame.record.cyclic = True
                frame.report(Diagnostic("error", f"cyclic import of {name}", where.path, where.range))
                return None
            record = self._evaluated(frame, where, name)
            if record is None:
                return None
        self._records[name] = record
        frame.record.use(record)
        return record

    def _recalled(self, name: str) -> Record | None:
        record = self._evaluator.recall(name, self)
        if record is None or not record.names.isdisjoint(self._evaluating):
            return None
        if any(self.opens(site) != wanted for site, wanted in record.asked.items()):
            return None
        return record

    def _evaluated(self, frame: Frame, where: Expression | Import, name: str) -> Record | None:
        try:
            document, parsed = self._evaluator.document(name)
        except LoadError as problem:
            frame.record.volatile = True
            frame.report(Diagnostic("error", str(problem), where.path, where.range))
            return None
        if parsed.broken or parsed.declaration is None:
            frame.record.names.add(name)
            frame.record.closure[document.name] = document.revision
            frame.record.said += parsed.diagnostics
            return None
        record = Record(name)
        record.closure[document.name] = document.revision
        record.said += parsed.diagnostics
        inner = Frame(self, name, parsed.declaration, record, document.decrypter)
        inner.root_name = name if frame.root_name in (ANONYMOUS, "") else frame.root_name
        self._evaluating.add(name)
        record.value = inner.run()
        self._evaluating.discard(name)
        record.noisy = bool(record.said)
        self._evaluator.keep(record, self)
        return record
