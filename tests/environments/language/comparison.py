"""What an evaluation came to, in one form for both evaluators, and where two of them differ."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from infra_assets.environments.language import Evaluation
from infra_assets.environments.language.model import SECRET, UNKNOWN, Diagnostic, Number, Value

Tree = Any
"""None, bool, Number, str, list, dict."""


class Said(NamedTuple):
    """A diagnostic; one without a place has line 0."""

    environment: str
    line: int
    column: int
    severity: str
    summary: str
    path: str


@dataclass(frozen=True)
class Answer:
    """One evaluation's result; everything is empty where there is no environment."""

    none: bool = False
    revealed: Tree = None
    redacted: Tree = None
    variables: dict[str, tuple[str, bool]] = field(default_factory=dict)
    files: dict[str, tuple[str, bool]] = field(default_factory=dict)
    diagnostics: tuple[Said, ...] = ()
    patches: dict[str, Tree] = field(default_factory=dict)
    layers: dict[str, list[str]] = field(default_factory=dict)
    """By path: where a value was set, and those that it overrides, the top layer first."""


class Difference(NamedTuple):
    """Where two answers differ: `redacted.values["a"][0]`, with what each has there."""

    where: str
    official: Any
    ours: Any


def ours(evaluation: Evaluation) -> Answer:
    """Return our result; what was found while the root was read is not of it, as upstream."""
    said = diagnostics(evaluation.evaluated)
    patches = {patch.path: tree(patch.value, reveal=True) for patch in evaluation.patches}
    if evaluation.properties is None:
        return Answer(none=True, diagnostics=said, patches=patches)
    return Answer(
        revealed={key: tree(value, reveal=True) for key, value in evaluation.properties.items()},
        redacted={key: tree(value, reveal=False) for key, value in evaluation.properties.items()},
        variables=_flat(evaluation.environment_variables()),
        files=_flat(evaluation.files()),
        diagnostics=said,
        patches=patches,
        layers=_layers(evaluation.properties),
    )


def _layers(properties: Mapping[str, Value]) -> dict[str, list[str]]:
    noted: dict[str, list[str]] = {}
    for key, value in properties.items():
        _note(noted, key, value)
    return noted


def _note(noted: dict[str, list[str]], path: str, value: Value) -> None:
    layer: Value | None = value
    while layer:
        if layer.unknown:
            noted.setdefault(path, []).append("unknown")
            break
        at = layer.definition
        noted.setdefault(path, []).append(f"{at.environment}:{at.begin.line}:{at.begin.column}" if at else "nowhere")
        layer = layer.base
    match value.value:
        case list():
            for index, item in enumerate(value.value):
                _note(noted, f"{path}[{index}]", item)
        case dict():
            for key, item in value.value.items():
                _note(noted, f"{path}[{key}]", item)
        case _:
            pass


def tree(value: Value, *, reveal: bool) -> Tree:
    """Return a value as the official `ToJSON` does, with numbers as their text is."""
    if value.secret and not reveal:
        return SECRET
    if value.unknown:
        return UNKNOWN
    match value.value:
        case list():
            return [tree(item, reveal=reveal) for item in value.value]
        case dict():
            return {key: tree(item, reveal=reveal) for key, item in value.value.items()}
        case _:
            return value.value


def _flat(held: Mapping[str, Value]) -> dict[str, tuple[str, bool]]:
    return {key: (str(value.value), value.secret) for key, value in held.items()}


def diagnostics(said: Iterable[Diagnostic]) -> tuple[Said, ...]:
    """Return our diagnostics, sorted."""
    return tuple(
        sorted(
            Said(d.range.environment, d.range.begin.line, d.range.begin.column, d.severity, d.summary, d.path)
            if d.range
            else Said("", 0, 0, d.severity, d.summary, d.path)
            for d in said
        )
    )


def official(result: Mapping[str, Any]) -> Answer:
    """Return what the oracle answered for one mode."""
    said = tuple(
        sorted(Said(d["environment"], d["begin"][0], d["begin"][1], d["severity"], d["summary"], d["path"]) for d in result["diagnostics"])
    )
    return Answer(
        none=result["none"],
        revealed=untagged(result["revealed"]),
        redacted=untagged(result["redacted"]),
        variables={key: (text, secret) for key, (text, secret) in (result["variables"] or {}).items()},
        files={key: (text, secret) for key, (text, secret) in (result["files"] or {}).items()},
        diagnostics=said,
        patches={patch["path"]: untagged(patch["value"]) for patch in result["patches"] or ()},
        layers={
            path: ["nowhere" if layer.endswith(":0:0") else layer for layer in found] for path, found in (result["layers"] or {}).items()
        },
    )


def untagged(plain: Any) -> Tree:
    """Return what the oracle tagged: `{"#": "1e3"}` is a number."""
    match plain:
        case {"#": str(text)} if len(plain) == 1:
            return Number(text)
        case list():
            return [untagged(item) for item in plain]
        case dict():
            return {key: untagged(item) for key, item in plain.items()}
        case _:
            return plain


def differences(theirs: Answer, own: Answer) -> list[Difference]:
    """Return where the two answers differ."""
    found = [] if theirs.none == own.none else [Difference("none", theirs.none, own.none)]
    for name in ("revealed", "redacted", "variables", "files", "patches", "layers"):
        found += between(name, getattr(theirs, name), getattr(own, name))
    missing, surplus = _without(theirs.diagnostics, own.diagnostics), _without(own.diagnostics, theirs.diagnostics)
    if missing or surplus:
        found.append(Difference("diagnostics", missing, surplus))
    return found


def _without(some: Iterable[Said], others: Iterable[Said]) -> list[Said]:
    left = list(others)
    return [said for said in some if not (said in left and (left.remove(said) or True))]


def between(where: str, theirs: Tree, own: Tree) -> Iterator[Difference]:
    """Yield the places where two trees differ. A bool is no number, and `1.0` not `1`."""
    if isinstance(theirs, dict) and isinstance(own, dict):
        for key in theirs.keys() | own.keys():
            if key in theirs and key in own:
                yield from between(f'{where}["{key}"]', theirs[key], own[key])
            else:
                yield Difference(f'{where}["{key}"]', theirs.get(key, "(missing)"), own.get(key, "(missing)"))
    elif isinstance(theirs, list) and isinstance(own, list) and len(theirs) == len(own):
        for index, (left, right) in enumerate(zip(theirs, own, strict=True)):
            yield from between(f"{where}[{index}]", left, right)
    elif type(theirs) is not type(own) or theirs != own:
        yield Difference(where, theirs, own)
