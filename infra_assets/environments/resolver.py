"""Resolves the configuration of TEPs: evaluates their environments, opens just what their cells need, and says what it rests on.

First everything is evaluated with nothing opened, which costs no call and is shared between TEPs. Then, only for cells whose values
depend on an `fn::open`, these are opened. Logins are not: they are handed on as what they are to be opened with, to whoever deploys.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from infra_assets.environments import layers
from infra_assets.environments.access import AccessRules
from infra_assets.environments.cells import Cells
from infra_assets.environments.language import Evaluation, Evaluator, Parsed, Reference, count, parse, references
from infra_assets.environments.language.model import (
    Diagnostic,
    Document,
    LoadError,
    Providers,
    Site,
)
from infra_assets.environments.library import Library
from infra_assets.environments.resolution import Problem, Resolution, Wanted, told
from infra_assets.environments.sources.protocol import MissingEnvironmentError
from infra_assets.environments.usage import Use
from infra_assets.fleet.models import Tep
from infra_assets.garbage import uncollected

WRITTEN = f"{layers.FLEET}/"
"""What we write ourselves begins so: no service has it, and so none charges for it."""


@dataclass(slots=True)
class Bill:
    """What was used of environments: how often each was opened, and how many secrets and values it holds."""

    opens: dict[str, int] = field(default_factory=dict[str, int])
    closure: dict[str, str] = field(default_factory=dict[str, str])

    def count(self, name: str, closure: Mapping[str, str]) -> None:
        """Count one opening."""
        self.opens[name] = self.opens.get(name, 0) + 1
        self.closure.update(closure)


class Resolver:
    """Resolves TEPs, sharing between them all that they share."""

    def __init__(self, library: Library, providers: Providers, rules: AccessRules) -> None:
        self._library = library
        self._providers = providers
        self._rules = rules
        self._evaluator = Evaluator(library, providers)
        self._references: dict[tuple[str, str], Sequence[Reference]] = {}
        self._held: dict[tuple[str, str], tuple[int, int]] = {}
        """How many secrets and values each document holds."""
        self._dependents: dict[str, set[str]] = {}
        self.library = library
        self.bill = Bill()

    def refresh(self) -> set[str]:
        """Notice what has changed in the sources; returns the names of the environments."""
        changed = self._library.refresh()
        if changed:
            self._evaluator.forget(changed)
            self._rules.forget(changed)
        return changed

    def affected(self, changed: Iterable[str]) -> set[str]:
        """Return the TEPs, of those that were resolved, whose configuration rests on one of these environments."""
        return {tep for name in changed for tep in self._dependents.get(name, ())}

    def evaluate(self, tep: Tep, *, opens: Callable[[Site], bool] | None = None) -> Evaluation:
        """Return a TEP's whole environment, for people to look at; opens nothing unless `opens` says so.

        Raises:
            LoadError: it has none.
        """
        return self._evaluator.evaluate(self._library.load(layers.root(tep)), opens=opens or _never)

    def resolve(self, tep: Tep, wanted: Iterable[Wanted], *, closed: bool = False, logins: bool = True) -> Resolution:
        """Return the configuration of a TEP's cells; what is wrong with it is in there, never an exception.

        `closed` opens nothing: what depends on it stays unresolved. Without `logins` it is only seen to that there are some.
        """
        name = layers.root(tep)
        try:
            document = self._library.load(name)
        except MissingEnvironmentError as error:
            return Resolution(tep.name, problems=[Problem(name, f"{error}: write it, or store it with infra env put {name} FILE")])
        except LoadError as error:
            return Resolution(tep.name, problems=[Problem(name, str(error))])
        parsed = parse(document.name, document.source)
        self._note(document, parsed)
        denied = self.denied(tep)
        if denied:
            return Resolution(tep.name, problems=denied)
        evaluation = self._evaluator.evaluate(document, opens=_never, parsed=parsed)
        self.bill.count(name, evaluation.closure)
        for each in evaluation.closure:
            self._dependents.setdefault(each, set()).add(tep.name)
        errors, warnings = self.told(evaluation)
        if errors:
            return Resolution(tep.name, closure=evaluation.closure, problems=errors, warnings=warnings)
        work = Cells(self, tep, document, evaluation, closed=closed)
        each = list(wanted)
        cells = {item.project: work.cell(item) for item in each}
        roles = {item.role for item in each if item.role}
        if not logins:
            work.check_logins(roles)
        return Resolution(
            tep.name,
            cells=cells,
            logins=work.logins(roles) if logins else {},
            closure=evaluation.closure,
            problems=work.problems,
            warnings=warnings,
        )

    def resolve_all(self, teps: Iterable[Tep], wanted: Sequence[Wanted], *, closed: bool = False) -> dict[str, Resolution]:
        """Return the configuration of many TEPs, by name."""
        with uncollected():
            return {tep.name: self.resolve(tep, wanted, closed=closed) for tep in teps}

    def denied(self, tep: Tep) -> list[Problem]:
        """Return why a TEP's environment may not import what it imports; nothing where it may."""
        refused = self._rules.check(layers.root(tep), self.references)
        return [told(item, self.place(item.range.environment) if item.range else "") for item in refused]

    def references(self, name: str) -> Sequence[Reference]:
        """Return what an environment refers to; nothing for one that cannot be read, which its evaluation reports."""
        try:
            document = self._library.load(name)
            known = self._references.get((document.name, document.revision))
            # The evaluator will want it too, and keeps it.
            return self._note(*self._evaluator.document(name)) if known is None else known
        except LoadError:
            return ()

    def _note(self, document: Document, parsed: Parsed) -> Sequence[Reference]:
        found = references(parsed.declaration) if parsed.declaration else ()
        self._references[document.name, document.revision] = found
        if parsed.declaration and not document.name.startswith(WRITTEN):
            self._held[document.name, document.revision] = count(parsed.declaration)
        return found

    def open(self, document: Document, sites: frozenset[Site], providers: Providers) -> Evaluation:
        """Evaluate a TEP's environment with these sites opened."""
        return Evaluator(self._library, providers).evaluate(document, opens=sites.__contains__)

    def uses(self) -> list[Use]:
        """Return what was used since this resolver was made: each TEP's environment opened once, and what it imports."""
        return [Use(name, self.bill.opens.get(name, 0), *self._holds(name)) for name in self.bill.closure if not name.startswith(WRITTEN)]

    def _holds(self, name: str) -> tuple[int, int]:
        """Return how many secrets and values an environment's definition holds."""
        document = self._library.load(name)
        if (document.name, document.revision) not in self._held:
            self._note(document, parse(document.name, document.source))
        return self._held.get((document.name, document.revision), (0, 0))

    @property
    def providers(self) -> Providers:
        """The providers, as they were given."""
        return self._providers

    def where(self, environment: str) -> tuple[str, str]:
        """Return where a person finds an environment, by the name that an import has, and its revision."""
        try:
            document = self._library.load(environment)
        except LoadError:
            return environment, ""
        return document.place or environment, document.revision

    def place(self, environment: str) -> str:
        """Return where a person finds an environment, by the name that an import has."""
        return self.where(environment)[0]

    def told(self, evaluation: Evaluation) -> tuple[list[Problem], list[str]]:
        """Return an evaluation's errors, and its warnings as lines; each names its place."""
        errors: list[Problem] = []
        warnings: list[str] = []
        for diagnostic in evaluation.diagnostics:
            problem = told(diagnostic, self._place(diagnostic, evaluation.closure))
            if diagnostic.error:
                errors.append(problem)
            else:
                warnings.append(str(problem))
        return errors, warnings

    def _place(self, diagnostic: Diagnostic, closure: Iterable[str]) -> str:
        if diagnostic.range:
            return self.place(diagnostic.range.environment)
        # What is no YAML has no place in itself: it is of whichever document says the same.
        for name in closure:
            document = self._library.load(name)
            if diagnostic in parse(document.name, document.source).diagnostics:
                return document.place or name
        return ""


def _never(_site: Site) -> bool:
    return False
