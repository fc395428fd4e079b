"""What is wrong with a set of environments though each of them may be legal: plaintext secrets, keys that nothing reads, and the like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from infra_assets.environments import layers
from infra_assets.environments.language import Declaration, parse, references, secrets, symbols
from infra_assets.environments.language.model import Diagnostic, Document, LoadError, Range
from infra_assets.environments.library import Library
from infra_assets.environments.names import parse_name
from infra_assets.environments.resolution import Resolution
from infra_assets.environments.structure import leaves
from infra_assets.fleet.models import Tep

PROVIDER = "aws"
READ_BY_US = (layers.CONFIGURATION, "environmentVariables", "files", "policyConfig")
"""What is read of an environment without a `${…}`."""

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong."""

    severity: str
    rule: str
    """`invalid`, `plaintext-secret`, `unknown-configuration`, `unused-key`, `unreachable-environment`, `other-ring`."""
    environment: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class _Parsed:
    document: Document
    declaration: Declaration


class Lint:
    """Looks over everything that a library has.

    `keys` are the configuration keys that each project knows, `shadowed` environments that the register's hide, `strangers` what a source
    says of files that are no environments.
    """

    def __init__(
        self,
        library: Library,
        teps: Sequence[Tep],
        keys: Mapping[str, Sequence[str]],
        *,
        shadowed: Sequence[str] = (),
        strangers: Sequence[str] = (),
    ) -> None:
        self._shadowed = shadowed
        self._strangers = strangers
        self._library = library
        self._teps = teps
        self._keys = keys
        self._unreadable: list[Finding] = []

    def findings(self, resolutions: Iterable[Resolution]) -> list[Finding]:
        """Return everything that is wrong, by place."""
        found = [
            *(Finding(ERROR, "invalid", "", place, message) for place, _, message in (item.partition(": ") for item in self._strangers)),
            *self._plaintext(),
            *self._configuration(),
            *self._unused(),
            *(() if self._unreadable else self._unreachable()),
            *self._rings(),
            *self._facts(),
            *self._unreadable,
        ]
        said = {(item.place, item.message) for item in found}
        found += [
            Finding(ERROR, "invalid", f"{layers.TENANTS}/{resolution.tep}", problem.place, problem.message)
            for resolution in resolutions
            for problem in resolution.problems
            if (problem.place, problem.message) not in said
        ]
        return sorted(set(found), key=lambda item: (item.environment, item.place, item.rule, item.message))

    @cached_property
    def _documents(self) -> dict[str, _Parsed]:
        found: dict[str, _Parsed] = {}
        for name in sorted(self._library.names()):
            if parse_name(name).project == layers.FLEET:
                continue  # written by ourselves
            try:
                document = self._library.load(name)
            except LoadError as error:
                self._unreadable.append(Finding(ERROR, "invalid", name, name, str(error)))
                continue
            parsed = parse(name, document.source)
            self._unreadable += [_invalid(document, item) for item in parsed.diagnostics if item.error]
            if parsed.declaration:
                found[name] = _Parsed(document, parsed.declaration)
        return found

    def _plaintext(self) -> Iterable[Finding]:
        for name, parsed in self._documents.items():
            for secret in secrets(parsed.declaration):
                if not secret.sealed:
                    message = f"{secret.path} holds a secret in clear: infra env seal --write {parsed.document.place}"
                    yield Finding(ERROR, "plaintext-secret", name, _place(parsed.document, secret.range), message)

    def _configuration(self) -> Iterable[Finding]:
        for name, parsed in self._documents.items():
            for path, where in leaves(parsed.declaration):
                if len(path) < 2 or path[0] != layers.CONFIGURATION:
                    continue
                if message := self._unknown(str(path[1])):
                    yield Finding(ERROR, "unknown-configuration", name, _place(parsed.document, where), message)

    def _unknown(self, key: str) -> str | None:
        space, colon, rest = key.partition(":")
        if not colon or space == PROVIDER:
            return None
        if space not in self._keys:
            return f"{key}: there is no project {space!r} (there are {', '.join(sorted(self._keys))})"
        known = self._keys[space]
        if known and rest not in known:
            return f"{key}: project {space} knows no {rest!r} (it knows {', '.join(known)})"
        return None

    def _unused(self) -> Iterable[Finding]:
        read = self._read()
        for name, parsed in self._documents.items():
            for path, where in leaves(parsed.declaration):
                if str(path[0]) in READ_BY_US or any(tuple(path[: len(login)]) == login for login in layers.LOGINS.values()):
                    continue
                if not any(_overlap(path, used) for used in read.get(name, ())):
                    shown = ".".join(map(str, path))
                    yield Finding(WARNING, "unused-key", name, _place(parsed.document, where), f"{shown}: nothing reads it")

    def _read(self) -> dict[str, list[tuple[str | int, ...]]]:
        """Return which paths of each environment are read: by itself, by those that import it, and by `${environments.…}`."""
        read: dict[str, list[tuple[str | int, ...]]] = {}
        for name, parsed in self._documents.items():
            inside = [name, *self._closures[name]]
            for path, _ in symbols(parsed.declaration):
                if path[:1] == ("environments",) and len(path) > 3:
                    for target in self._with_imports(f"{path[1]}/{path[2]}"):
                        read.setdefault(target, []).append(path[3:])
                elif path[:1] == ("imports",) and len(path) > 2:
                    for target in self._with_imports(_canonical(str(path[1])) or ""):
                        read.setdefault(target, []).append(path[2:])
                else:
                    for target in inside:
                        read.setdefault(target, []).append(path)
        return read

    def _with_imports(self, name: str) -> list[str]:
        return [name, *self._closures.get(name, ())]

    @cached_property
    def _closures(self) -> dict[str, set[str]]:
        """Everything that each environment refers to, directly or not."""
        direct = {
            name: {canonical for reference in references(parsed.declaration) if (canonical := _canonical(reference.name))}
            for name, parsed in self._documents.items()
        }
        return {name: _reached(name, direct) for name in direct}

    def _unreachable(self) -> Iterable[Finding]:
        roots = {layers.root(tep) for tep in self._teps} | {name for name in self._documents if name.startswith(f"{layers.GLOBAL}/")}
        reached = roots.union(*(self._closures.get(name, set[str]()) for name in roots))
        for name, parsed in self._documents.items():
            if name not in reached:
                yield Finding(
                    WARNING,
                    "unreachable-environment",
                    name,
                    _place(parsed.document, None),
                    "no TEP's environment imports it, directly or not",
                )

    def _rings(self) -> Iterable[Finding]:
        for tep in self._teps:
            name = layers.root(tep)
            if name not in self._documents:
                continue  # its resolution says so
            for reached in sorted(self._closures[name]):
                project, _, ring = reached.partition("/")
                if project == layers.RING and ring != tep.ring.value:
                    message = f"imports {reached}, but {tep.name} is in ring {tep.ring.value}"
                    yield Finding(WARNING, "other-ring", name, _place(self._documents[name].document, None), message)

    def _facts(self) -> Iterable[Finding]:
        for name in self._shadowed:
            yield Finding(ERROR, "invalid", name, name, f"{layers.FLEET}/… is written from the register: this one is never read")


def _invalid(document: Document, item: Diagnostic) -> Finding:
    return Finding(ERROR, "invalid", document.name, _place(document, item.range), f"{item.path}: {item.summary}".removeprefix(": "))


def _place(document: Document, where: Range | None) -> str:
    place = document.place or document.name
    return f"{place}:{where.begin.line}:{where.begin.column}" if where else place


def _canonical(name: str) -> str | None:
    try:
        return parse_name(name).canonical
    except LoadError:
        return None


def _reached(name: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(direct.get(name, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += direct.get(each, ())
    return found


def _overlap(path: Sequence[str | int], used: Sequence[str | int]) -> bool:
    """Whether one leads to the other: `a.b` is read by `${a}` and by `${a.b.c}`."""
    return all(str(one) == str(other) for one, other in zip(path, used, strict=False))
