"""Which environments may import which, checked on everything that a root imports before any of it is evaluated."""

import fnmatch
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import yaml
from pydantic import RootModel, ValidationError

from infra_assets.environments.language.model import Diagnostic, LoadError, Range
from infra_assets.environments.names import Name, parse_name
from infra_assets.errors import UsageError

DEFAULT_RULES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "tenants": ("shared/*", "ring/*", "fleet/{environment}", "tenants/{tenant}"),
        "shared": ("shared/*",),
        "ring": ("shared/*",),
        "global": ("global/*", "shared/*"),
        "fleet": (),
    }
)
"""By the project of the importing environment. `global`, where operations keeps its secrets, is open to itself alone."""
OTHERS: Sequence[str] = ("{project}/*", "shared/*")
"""For a project without a rule."""
_PART = r"(?:[A-Za-z0-9._*?\[\]!-]+|\{project\}|\{environment\}|\{tenant\})"
_PATTERN = re.compile(f"{_PART}/{_PART}")
_FORM = "By project, a list of PROJECT/ENVIRONMENT: in each part * ? [ ] may be used, or it is {project}, {environment} or {tenant}."

Tenants = Callable[[str], Collection[str]]
"""Returns which tenants an environment of project `tenants` belongs to, by its name."""


class Reference(Protocol):
    """An import in a document, or a `${environments.…}`."""

    @property
    def name(self) -> str:
        """The name as it stands there."""
        ...

    @property
    def range(self) -> Range | None:
        """Where it stands."""
        ...


References = Callable[[str], Sequence[Reference]]
"""Returns what a document refers to, by its name: `shared/app`, `shared/app@3`."""


def prefixes(environment: str) -> Collection[str]:
    """Return the tenants that an environment's name alone leaves possible: `big` and `big-corp` for `big-corp-prod`."""
    return {environment[: dash.start()] for dash in re.finditer("-", environment)}


@dataclass(frozen=True, slots=True)
class _Checked:
    """One document: what it refers to, and which of that it may not."""

    imports: tuple[str, ...]
    refused: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What each project's environments may import: patterns of names, by the importing environment's project.

    A pattern is `PROJECT/ENVIRONMENT`; each part has `*`, `?` and `[…]`, or is a placeholder: `{project}` and `{environment}` are the
    importing environment's own, `{tenant}` any tenant that it belongs to. An environment may always import another version of itself.
    """

    rules: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEFAULT_RULES)
    tenants: Tenants = prefixes
    """Names leave open whether `big-corp-prod` is of `big` or of `big-corp`; a fleet knows."""
    _shared: dict[tuple[str, str], bool] = field(default_factory=dict[tuple[str, str], bool], init=False, repr=False, compare=False)
    _checked: dict[str, _Checked] = field(default_factory=dict[str, _Checked], init=False, repr=False, compare=False)
    _versioned: set[str] = field(default_factory=set[str], init=False, repr=False, compare=False)

    @classmethod
    def read(cls, path: Path, *, tenants: Tenants = prefixes) -> "AccessRules":
        """Read rules from a file, by project: `tenants: [shared/*, ring/*]`; they replace DEFAULT_RULES, which hold without the file.

        Raises:
            UsageError: it cannot be read, or is of another form; the message names every key.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(tenants=tenants)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: {error}") from None
        return cls.parse(path, text, tenants=tenants)

    @classmethod
    def parse(cls, path: Path, text: str, *, tenants: Tenants = prefixes) -> "AccessRules":
        """Return the rules that a text has; `path` stands in what is wrong with it.

        Raises:
            UsageError: it is of another form.
        """
        return cls(_parse(path, text), tenants)

    def allows(self, importer: Name, imported: Name) -> bool:
        """Whether one environment may import another; versions make no difference."""
        # What does not depend on the environment is the same for a whole project: with 5,000 of them that counts.
        key = (importer.project, imported.canonical)
        if key not in self._shared:
            self._shared[key] = any(_glob(pattern).fullmatch(key[1]) for pattern in self._patterns(importer) if "{" not in pattern)
        if self._shared[key] or key[1] == importer.canonical:
            return True
        return any(self._matches(pattern, importer, imported) for pattern in self._patterns(importer) if "{" in pattern)

    def allowed(self, importer: Name) -> Sequence[str]:
        """Return what an environment may import, for people."""
        return [shown for pattern in self._patterns(importer) for shown in self._shown(pattern, importer)]

    def check(self, root: str, references: References) -> Sequence[Diagnostic]:
        """Return an error for every import that is not allowed, in whatever `root` imports directly or not.

        A document is asked for its references once, until it is forgotten. One that cannot be had is passed over: the evaluator, which
        loads it by the same name, says so.
        """
        refused: list[Diagnostic] = []
        start = str(parse_name(root))
        waiting, seen = [start], {start}
        for name in waiting:
            checked = self._checked.get(name) or self._check(name, references)
            refused += checked.refused
            for imported in checked.imports:
                if imported not in seen:
                    seen.add(imported)
                    waiting.append(imported)
        return refused

    def forget(self, names: Iterable[str]) -> None:
        """Drop what is known of documents that have changed, by canonical name."""
        changed = set(names)
        for name in [*changed, *(name for name in self._versioned if name.partition("@")[0] in changed)]:
            self._checked.pop(name, None)

    def _check(self, name: str, references: References) -> _Checked:
        importer = parse_name(name)
        imports: list[str] = []
        refused: list[Diagnostic] = []
        for reference in _references_of(name, references):
            try:
                imported = parse_name(reference.name)
            except LoadError:
                continue
            # One spelling for one document: `app` and `default/app`.
            imports.append(str(imported))
            if not self.allows(importer, imported):
                refused.append(self._refusal(importer, imported, reference))
        checked = self._checked[name] = _Checked(tuple(imports), tuple(refused))
        if importer.version is not None:
            self._versioned.add(name)
        return checked

    def _refusal(self, importer: Name, imported: Name, reference: Reference) -> Diagnostic:
        allowed = ", ".join(self.allowed(importer)) or "nothing"
        summary = f"{importer} may not import {imported}: environments of project {importer.project} may import {allowed}"
        return Diagnostic("error", summary, range=reference.range)

    def _patterns(self, importer: Name) -> Sequence[str]:
        return self.rules.get(importer.project, OTHERS)

    def _matches(self, pattern: str, importer: Name, imported: Name) -> bool:
        project, _, environment = pattern.partition("/")
        return self._part(project, importer, imported.project) and self._part(environment, importer, imported.environment)

    def _part(self, pattern: str, importer: Name, text: str) -> bool:
        match pattern:
            case "{project}":
                return text == importer.project
            case "{environment}":
                return text == importer.environment
            case "{tenant}":
                return text in self.tenants(importer.environment)
            case _:
                return _glob(pattern).fullmatch(text) is not None

    def _shown(self, pattern: str, importer: Name) -> Sequence[str]:
        shown = pattern.replace("{project}", importer.project).replace("{environment}", importer.environment)
        if "{tenant}" not in pattern:
            return [shown]
        return [shown.replace("{tenant}", tenant) for tenant in sorted(self.tenants(importer.environment))]


def _references_of(name: str, references: References) -> Sequence[Reference]:
    try:
        return references(name)
    except LoadError:
        return ()


class _File(RootModel[dict[str, list[str]]]):
    """The file: patterns by project."""


def _parse(path: Path, text: str) -> Mapping[str, Sequence[str]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        plain: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    try:
        rules = _File.model_validate(plain, strict=True).root
    except ValidationError as error:
        places = [f"{path}: {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors(include_input=False)]
        raise UsageError("\n".join(places), remedy=_FORM) from None
    # YAML's reader would take the last of them without a word.
    keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    repeated = [f"{path}: {project}: stands there twice" for project in rules if keys.count(project) > 1]
    wrong = [
        f"{path}: {project}.{index}: {pattern!r} is no pattern of names"
        for project, patterns in rules.items()
        for index, pattern in enumerate(patterns)
        if not _PATTERN.fullmatch(pattern)
    ]
    if repeated or wrong:
        raise UsageError("\n".join(repeated + wrong), remedy=_FORM)
    return rules


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
