"""Environments that mean something: they import, override and reference each other, rightly and wrongly, in all of YAML's spellings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.environments.language import vocabulary as words
from tests.environments.language.authors import Author, Draw, chance
from tests.environments.language.drafts import Draft, Hole, Listing, Scalar, Table, accessors, quoted, render

NAMES = ("p/root", "a", "p/b", "p/c", "q/d")
ALIASES = {"p/b@stable": "p/b", "p/c@3": "p/c"}
KEYS = ("a", "b", "c", "d", "k.ey", "x-y", "environmentVariables", "files", "pulumiConfig")


@dataclass(frozen=True)
class World:
    """Documents by their names."""

    documents: Mapping[str, bytes]

    @property
    def aliased(self) -> dict[str, bytes]:
        """The documents by every name that finds them."""
        return {**self.documents, **{alias: self.documents[name] for alias, name in ALIASES.items() if name in self.documents}}

    def __repr__(self) -> str:
        return "\n".join(f"--- {name}\n{source.decode(errors='backslashreplace')}" for name, source in self.documents.items())


@st.composite
def worlds(draw: Draw, most: int = 4, canary: str = "") -> World:
    """Draw documents that import and reference each other; with a `canary`, every secret holds it, and nothing else does."""
    names = list(NAMES[: draw(st.integers(1, most))])
    drafts = [_draft(draw, name, canary) for name in names]
    for draft in drafts:
        _fill(draw, draft, drafts)
    return World({draft.name: _finish(draw, _write(draw, draft, names)) for draft in drafts})


def _draft(draw: Draw, name: str, canary: str) -> Draft:
    draft = Draft(name)
    if not chance(draw, 16):
        author = Author(draw, draft, canary)
        keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=(not chance(draw, 16))))
        if chance(draw, 41):
            keys.append(draw(words.RESERVED))
        draft.values = Table([(key, author.node(draw(st.integers(1, 3)), (key,))) for key in keys])
    return draft


def _fill(draw: Draw, draft: Draft, drafts: Sequence[Draft]) -> None:
    # Only now is it known what there is to refer to.
    for hole in draft.holes:
        text = _reference(draw, hole, draft, drafts)
        for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
            text = draw(words.TEXT) + text + draw(words.TEXT) + (_reference(draw, hole, draft, drafts) if draw(st.booleans()) else "")
        unquotable = text != text.strip() or text[:1] in "#%@`&*!|>'\"[]{}-?:," or ": " in text or " #" in text
        style = "double" if unquotable else draw(st.sampled_from(["double", "single", "plain", "plain", "plain"]))
        hole.text = {"double": quoted(text), "single": "'" + text.replace("'", "''") + "'", "plain": text}[style]


def _reference(draw: Draw, hole: Hole, draft: Draft, drafts: Sequence[Draft]) -> str:
    """Return one `${…}`: mostly of something that is there, and no cycle."""
    if not chance(draw, 10):
        of = draft if not chance(draw, 3) else draw(st.sampled_from(drafts))
        paths = of.paths
        if of is draft and not chance(draw, 10):
            others = [path for path in paths if path[0] != hole.within[0]]
            paths = [path for path in others if str(path[0]) > str(hole.within[0])] or others
        inner = accessors(draw(st.sampled_from(paths)) if paths else ("a",), brackets=chance(draw, 9))
        if of is not draft:
            inner = _from_another(draw, of.name) + ("" if inner.startswith("[") else ".") + inner
    else:
        inner = draw(words.WHOLE_NOISE)
    if chance(draw, 16):
        inner += draw(words.ACCESS_NOISE)
    return "${" + inner + ("}" if not chance(draw, 121) else "")


def _from_another(draw: Draw, name: str) -> str:
    project, _, environment = name.partition("/")
    if environment and draw(st.booleans()):
        return accessors(("environments", project, environment))
    return accessors(("imports", name))


def _write(draw: Draw, draft: Draft, names: Sequence[str]) -> list[str]:
    if draft.values is None:
        values = draw(words.ODD_VALUES).splitlines() if draw(st.booleans()) else []
    else:
        step = draw(st.sampled_from([2, 2, 2, 4, 1, 3]))
        first, *rest = render(draft.values, step, step)
        values = [f"values:{first}", *rest]
    parts = [_imports(draw, draft.name, names), values]
    if chance(draw, 5):
        parts.reverse()
    if chance(draw, 16):
        parts.insert(draw(st.integers(0, 2)), draw(words.ODD_TOP).splitlines())
    return [line for part in parts for line in part]


def _imports(draw: Draw, name: str, names: Sequence[str]) -> list[str]:
    if chance(draw, 61):
        return [draw(words.ODD_IMPORT_LISTS)]
    # Those behind in the list, mostly: no cycle.
    later = names[names.index(name) + 1 :]
    later += [alias for alias, other in ALIASES.items() if other in later]
    if not later or chance(draw, 4):
        return []
    return ["imports:", *(line for _ in range(draw(st.integers(1, 3))) for line in _import(draw, later))]


def _import(draw: Draw, later: Sequence[str]) -> list[str]:
    if chance(draw, 41):
        return [f"  - {draw(words.ODD_IMPORTS)}"]
    name = draw(st.sampled_from(later if not chance(draw, 16) else (*NAMES, *ALIASES, "p/nope")))
    entry = draw(st.sampled_from(["  - {}", "  - {}", "  - {}: {{merge: false}}", "  - {}:\n      merge: true"])).format(name)
    return entry.splitlines()


def _finish(draw: Draw, lines: list[str]) -> bytes:
    """Return the file: with comments, odd line ends, something before its begin, now and then."""
    if lines and chance(draw, 5):
        lines.insert(draw(st.integers(0, len(lines) - 1)), draw(words.COMMENT_LINES))
    if lines and chance(draw, 5):
        lines[draw(st.integers(0, len(lines) - 1))] += draw(words.COMMENTS)
    end = draw(st.sampled_from(["\n"] * 12 + ["\r\n", "\r"]))
    text = end.join(lines) + (end if not chance(draw, 6) else "")
    if chance(draw, 41):
        text = draw(words.BEGINNINGS) + text
    return text.encode()


@st.composite
def rotating(draw: Draw) -> bytes:
    """Draw a document with rotators at many places, all of them well asked."""
    draft = Draft("p/root")
    author = Author(draw, draft)
    draft.values = Table(
        [(key, _around(draw, author, draw(st.integers(0, 2)))) for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))]
    )
    return _finish(draw, _write(draw, draft, [draft.name]))


def _around(draw: Draw, author: Author, depth: int) -> Table | Listing:
    if not depth:
        return author.rotator()
    if draw(st.booleans()):
        return Listing([Scalar("1"), _around(draw, author, depth - 1)], chance(draw, 4))
    return Table(
        [(draw(st.sampled_from(["a", "k.ey", "x-y", "é"])), _around(draw, author, depth - 1)), ("z", Scalar("~"))], chance(draw, 4)
    )


SNIPPETS = (
    (
        "%YAML 1.1\n---\nvalues: !!map\n  'a':   \n    # above\n    b: 1 # behind\n\n    # below\n"
        '  c: >2\n      kept\n    folded\n\n  d: {e: [1, 2,\n    3], f: "x\n    y"}\n...\n'
    ),
    "values:\r\n  日本: ${é.x\r\n  a: 日本 ${b.c} 🎉 ${d\r\n  c: x🎉y ${imports[} z\r\n",
    "values:\n  a: 1\n  b: [x, y]\n  c: {d: e}\n",
    "imports:\n  - a\n  - p/b: {merge: false}\nvalues:\n  a: ${imports.a.b}\n",
    "values:\n  a: \"x\\ty\"\n  b: 'it''s'\n  c: |\n    text\n     more\n  d: >-\n    folded\n    text\n",
    "values:\n  a:\n    - 1\n    - b: c\n      d: ${a[0]}\n    -\n      - x\n  ? k\n  : v\n",
    "values:\n  s:\n    fn::secret: hunter2\n  j:\n    fn::join: [',', [a, '${s}']]\n",
    "# comment\nvalues: # here\n  a: 'multi\n    line'\n  b: plain\n    continued\n  c: !!int '3'\n",
    "{values: {a: {fn::toJSON: {b: 1}}, \"c\": ['${a}', d]}}\n",
    "values:\n  a: &x\n    b: 1\n  c: *x\n  d:\n    <<: *x\n",
)


@st.composite
def mutated(draw: Draw, seeds: Sequence[str] = SNIPPETS) -> bytes:
    """Draw a document in which a few places were cut, doubled or filled with something else."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(len(text), at + 8)))
        filling = draw(st.sampled_from(["", text[at:until] * 2]) | words.TOKENS)
        text = text[:at] + filling + text[until if draw(st.booleans()) else at :]
    raw = text.encode()
    if chance(draw, 31):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(words.BAD_BYTES) + raw[at:]
    return raw
