"""The official module's own cases: a folder each, `env.yaml` with what it imports, and what is expected of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra_assets.environments.language import Evaluator, parse
from infra_assets.environments.language.model import Document, Number, value_of
from tests.environments.language.comparison import Answer, Difference, Said, diagnostics, differences, ours
from tests.environments.language.fakes import Documents, FakeProviders

CONTEXT = {"pulumi": {"user": {"id": "USER_123"}}}
NO_CASE = "bench"  # a benchmark's documents

STRICTER: Mapping[str, frozenset[str]] = {}
"""Where ours masks what upstream shows, by case: `{"case": {'eval.redacted["a"]["b"][0]'}}`. None of the cases splits a secret."""


@dataclass(frozen=True)
class Case:
    """One case."""

    name: str
    folder: Path

    @property
    def root(self) -> bytes:
        return (self.folder / "env.yaml").read_bytes()

    @property
    def documents(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.folder).with_suffix("")): path.read_bytes() for path in self.folder.rglob("*.yaml")}

    @property
    def expected(self) -> dict[str, Any]:
        return json.loads((self.folder / "expected.json").read_bytes(), parse_int=Number, parse_float=Number)

    @property
    def overrides(self) -> dict[str, Any]:
        path = self.folder / "overrides.json"
        return json.loads(path.read_bytes()) if path.exists() else {}

    @property
    def root_name(self) -> str:
        return self.overrides.get("rootEnvironment") or self.name

    @property
    def modes(self) -> list[str]:
        return ["eval", "check", *(["rotate"] if self.overrides.get("rotate") else [])]

    @property
    def show_secrets(self) -> bool:
        return self.overrides.get("showSecrets", False)

    @property
    def rotate_paths(self) -> list[str]:
        return self.overrides.get("rotatePaths", [])

    @property
    def place(self) -> str:
        """The folder as the official errors name it."""
        return f"testdata/eval/{self.name}"


def cases(folder: Path) -> list[Case]:
    return [Case(path.name, path) for path in sorted(folder.iterdir()) if path.is_dir() and path.name != NO_CASE]


def expectations(case: Case) -> dict[str, Answer]:
    """Return what is expected, by mode; `load` is of parsing alone."""
    held = case.expected
    wanted = {
        "load": Answer(none=True, diagnostics=_said(held.get("loadDiags"))),
        "eval": Answer(
            none="eval" not in held,
            revealed=held.get("evalJSONRevealed"),
            redacted=held.get("evalJsonRedacted"),
            diagnostics=_said(held.get("evalDiags")),
            layers=_layers(held.get("eval", {}).get("properties", {})),
        ),
        "check": Answer(none="check" not in held, redacted=held.get("checkJson"), diagnostics=_said(held.get("checkDiags"))),
    }
    if "rotate" in case.modes:
        patches = {patch["DocPath"]: _held(patch["Replacement"], reveal=True) for patch in held.get("rotatePatches") or ()}
        rotated = {key: _held(value, reveal=True) for key, value in held["rotate"]["properties"].items()}
        masked = {key: _held(value, reveal=False) for key, value in held["rotate"]["properties"].items()}
        wanted["rotate"] = Answer(revealed=rotated, redacted=masked, diagnostics=_said(held.get("rotateDiags")), patches=patches)
    return wanted


def _held(value: Mapping[str, Any], *, reveal: bool) -> Any:
    # As the official Value is written down: its zero fields are left out.
    if value.get("secret") and not reveal:
        return "[secret]"
    if value.get("unknown"):
        return "[unknown]"
    match value.get("value"):
        case list(items):
            return [_held(item, reveal=reveal) for item in items]
        case dict(entries):
            return {key: _held(entry, reveal=reveal) for key, entry in entries.items()}
        case other:
            return other


def _layers(properties: Mapping[str, Any]) -> dict[str, list[str]]:
    noted: dict[str, list[str]] = {}
    for key, value in properties.items():
        _note(noted, key, value)
    return noted


def _note(noted: dict[str, list[str]], path: str, value: Mapping[str, Any]) -> None:
    layer: Mapping[str, Any] | None = value
    while layer:
        if layer.get("unknown"):
            noted.setdefault(path, []).append("unknown")
            break
        at = layer["trace"]["def"]
        line, column = (at["begin"][name].plain() for name in ("line", "column"))
        noted.setdefault(path, []).append(f"{at['environment']}:{line}:{column}" if line else "nowhere")
        layer = layer["trace"].get("base")
    match value.get("value"):
        case list(items):
            for index, item in enumerate(items):
                _note(noted, f"{path}[{index}]", item)
        case dict(entries):
            for key, entry in entries.items():
                _note(noted, f"{path}[{key}]", entry)
        case _:
            pass


def _said(listed: Iterable[Mapping[str, Any]] | None) -> tuple[Said, ...]:
    return tuple(sorted(_one(said) for said in listed or ()))


def _one(said: Mapping[str, Any]) -> Said:
    severity, at = "error" if said["Severity"] == Number("1") else "warning", said["Subject"]
    if not at:
        return Said("", 0, 0, severity, said["Summary"], said["Path"])
    line, column = at["Start"]["Line"].plain(), at["Start"]["Column"].plain()
    return Said(at["Filename"], line, column, severity, said["Summary"], said["Path"])


def answers(
    evaluator: Evaluator, document: Document, *, modes: Iterable[str], show_secrets: bool = False, rotate_paths: Iterable[str] = ()
) -> dict[str, Answer]:
    """Return what our evaluator comes to, by mode, as `Oracle.ask` does."""
    parsed = parse(document.name, document.source)
    found = {"load": Answer(none=parsed.declaration is None, diagnostics=diagnostics(parsed.diagnostics))}
    for mode in modes:
        match mode:
            case "eval":
                evaluation = evaluator.evaluate(document)
            case "check":
                evaluation = evaluator.check(document, show_secrets=show_secrets)
            case _:
                evaluation = evaluator.rotate(document, paths=list(rotate_paths))
        assert evaluation.diagnostics == parsed.diagnostics + evaluation.evaluated
        found[mode] = ours(evaluation)
    return found


def our_answers(case: Case) -> dict[str, Answer]:
    documents = Documents(case.documents, case.place)
    evaluator = Evaluator(documents, FakeProviders(), context={key: value_of(value) for key, value in CONTEXT.items()})
    return answers(
        evaluator, Document(case.root_name, "root", case.root, documents.decrypter), modes=case.modes,
        show_secrets=case.show_secrets, rotate_paths=case.rotate_paths,
    )  # fmt: skip


def compare(case: Case, found: Mapping[str, Answer]) -> list[Difference]:
    """Return where answers differ from what is expected: only in what expected.json says something about."""
    return [
        difference._replace(where=f"{mode}.{difference.where}")
        for mode, wanted in expectations(case).items()
        for difference in differences(wanted, _restricted(mode, wanted, found[mode]))
    ]


def _restricted(mode: str, wanted: Answer, found: Answer) -> Answer:
    # expected.json has neither variables nor files, of a check no revealed values, and of a load diagnostics alone.
    revealed = None if mode == "check" else found.revealed
    return Answer(
        none=wanted.none if mode == "load" else found.none,
        revealed=revealed,
        redacted=found.redacted,
        diagnostics=found.diagnostics,
        patches=found.patches,
        layers=found.layers if mode == "eval" else {},
    )
