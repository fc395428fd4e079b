r"""Regular expressions as Go has them: matched in a time that grows with the text alone, whatever the pattern.

Python's own engine can be made to run for years by one line of a document. This one only says whether a pattern is found: it goes through
the text once and keeps the set of all places in the pattern where it may be.

Left out are classes by script (`\p{Greek}`); by category (`\pL`, `\p{Lu}`) they are there.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

_MAX_REPEAT = 1_000
_MAX_SIZE = 20_000
_DIGITS, _SPACES = frozenset("0123456789"), frozenset("\t\n\f\r ")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD = _LETTERS | _DIGITS | {"_"}
_PERL = {"d": _DIGITS, "s": _SPACES, "w": _WORD}
_ASCII = frozenset(map(chr, range(128)))
_GRAPH = frozenset(map(chr, range(33, 127)))
_POSIX = {
    "alnum": _LETTERS | _DIGITS, "alpha": _LETTERS, "ascii": _ASCII, "blank": frozenset("\t "),
    "cntrl": frozenset(map(chr, [*range(32), 127])), "digit": _DIGITS, "graph": _GRAPH, "lower": frozenset(filter(str.islower, _LETTERS)),
    "print": _GRAPH | {" "}, "punct": _GRAPH - _LETTERS - _DIGITS, "space": _SPACES | {"\v"},
    "upper": frozenset(filter(str.isupper, _LETTERS)), "word": _WORD, "xdigit": frozenset("0123456789abcdefABCDEF"),
}  # fmt: skip
_CONTROLS = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}

Test = Callable[[str], bool]


class PatternError(Exception):
    """A pattern is none; the message is Go's."""

    def __init__(self, problem: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {problem}: `{part}`")


@dataclass(frozen=True, slots=True)
class _Flags:
    fold: bool = False
    multiline: bool = False
    dot_all: bool = False
    swap: bool = False


@dataclass(slots=True)
class _Step:
    """Either a test of one character, an assertion about the place, or a fork; without any of them the pattern is found."""

    test: Test | None = None
    assertion: str = ""
    following: tuple[int, ...] = ()


class Pattern:
    """A compiled pattern.

    Raises:
        PatternError: it is none.
    """

    def __init__(self, text: str) -> None:
        compiler = _Compiler(text)
        self._start = compiler.start
        self._steps = compiler.steps

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere in a text."""
        current: set[int] = set()
        for at in range(len(text) + 1):
            current.add(self._start)
            reached = self._closure(current, text, at)
            if reached is None:
                return True
            if at == len(text):
                return False
            character = text[at]
            current = {step.following[0] for step in reached if step.test and step.test(character)}
        return False

    def _closure(self, places: set[int], text: str, at: int) -> list[_Step] | None:
        """Return the tests that come next; None where the pattern has been found."""
        left, seen, reached = list(places), set(places), list[_Step]()
        while left:
            step = self._steps[left.pop()]
            if step.test:
                reached.append(step)
                continue
            if not step.following:
                return None
            if step.assertion and not _holds(step.assertion, text, at):
                continue
            left += [place for place in step.following if place not in seen]
            seen.update(step.following)
        return reached


def _holds(assertion: str, text: str, at: int) -> bool:
    if assertion == "A":
        return at == 0
    if assertion == "z":
        return at == len(text)
    if assertion == "^":
        return at == 0 or text[at - 1] == "\n"
    if assertion == "$":
        return at == len(text) or text[at] == "\n"
    before, after = at > 0 and text[at - 1] in _WORD, at < len(text) and text[at] in _WORD
    return (before != after) == (assertion == "b")


# A fragment of a pattern is a function that puts its steps before the place that follows, and returns where it begins.
_Fragment = Callable[[int], int]


class _Compiler:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._flags = _Flags()
        self.steps: list[_Step] = [_Step()]
        fragment = self._alternatives()
        if self._at < len(text):
            raise PatternError("unexpected )", text)
        self.start = fragment(0)

    # --- building

    def _add(self, step: _Step) -> int:
        if len(self.steps) > _MAX_SIZE:
            raise PatternError("expression too large", self._text)
        self.steps.append(step)
        return len(self.steps) - 1

    def _tests(self, test: Test) -> _Fragment:
        return lambda following: self._add(_Step(test, following=(following,)))

    def _asserts(self, assertion: str) -> _Fragment:
        return lambda following: self._add(_Step(assertion=assertion, following=(following,)))

    def _fork(self, *following: int) -> int:
        return self._add(_Step(following=following))

    def _sequence(self, parts: list[_Fragment]) -> _Fragment:
        def build(following: int) -> int:
            for part in reversed(parts):
                following = part(following)
            return following

        return build

    def _repeated(self, part: _Fragment, least: int, most: int | None) -> _Fragment:
        def build(following: int) -> int:
            if most is None:
                again = self._fork()
                self.steps[again].following = (part(again), following)
                following = again
            for _ in range((most or least) - least):
                following = self._fork(part(following), following)
            for _ in range(least):
                following = part(following)
            return following

        return build

    # --- reading

    def _peek(self, ahead: int = 0) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _alternatives(self) -> _Fragment:
        branches = [self._branch()]
        while self._take("|"):
            branches.append(self._branch())
        if len(branches) == 1:
            return branches[0]
        return lambda following: self._fork(*(branch(following) for branch in branches))

    def _branch(self) -> _Fragment:
        parts: list[_Fragment] = []
        while (character := self._peek()) and character not in "|)":
            atom = self._atom()
            if atom:
                parts.append(self._quantified(atom))
            parts += self._quoted()
        return self._sequence(parts)

    def _quantified(self, atom: _Fragment) -> _Fragment:
        first = self._at
        count = self._count()
        if count is None:
            return atom
        if self._count() is not None:
            raise PatternError("invalid nested repetition operator", self._text[first : self._at])
        return self._repeated(atom, *count)

    def _count(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek())
        if simple:
            self._at += 1
            self._take("?")  # whether as little or as much as possible makes no difference to whether it is found
            return simple
        end = self._text.find("}", self._at)
        if self._peek() != "{" or end < 0:
            return None
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        if not _is_count(least) or (most and not _is_count(most)):
            return None
        shown = self._text[self._at : end + 1]
        self._at = end + 1
        fewest, utmost = int(least), (int(most) if most else None) if comma else int(least)
        if fewest > _MAX_REPEAT or (utmost is not None and not fewest <= utmost <= _MAX_REPEAT):
            raise PatternError("invalid repeat count", shown)
        self._take("?")
        return fewest, utmost

    def _atom(self) -> _Fragment | None:
        character = self._peek()
        if character == "(":
            return self._group()
        if character == "[":
            return self._tests(self._class())
        if character == "\\":
            return self._escape()
        if character in "*+?" or (character == "{" and self._is_repeat()):
            begin = self._at
            self._count()
            raise PatternError("missing argument to repetition operator", self._text[begin : self._at])
        self._at += 1
        if character == ".":
            return self._tests((lambda _: True) if self._flags.dot_all else (lambda other: other != "\n"))
        if character in "^$":
            return self._asserts(character if self._flags.multiline else {"^": "A", "$": "z"}[character])
        return self._tests(self._literal(character))

    def _is_repeat(self) -> bool:
        begin = self._at
        found = self._count() is not None
        self._at = begin
        return found

    def _literal(self, character: str) -> Test:
        if not self._flags.fold:
            return lambda other: other == character
        folded = character.casefold()
        return lambda other: other.casefold() == folded

    def _group(self) -> _Fragment | None:
        outer, begin = self._flags, self._at
        self._at += 1
        if self._take("?") and not self._name(begin):
            closed = self._set_flags(begin)
            if closed:
                return None
        fragment = self._alternatives()
        if not self._take(")"):
            raise PatternError("missing closing )", self._text)
        self._flags = outer
        return fragment

    def _name(self, begin: int) -> bool:
        if not (self._take("P<") or self._take("<")):
            return False
        end = self._text.find(">", self._at)
        if end < 0 or not _WORD.issuperset(self._text[self._at : end]) or end == self._at:
            raise PatternError("invalid named capture", self._text[begin : end + 1] if end >= 0 else self._text[begin:])
        self._at = end + 1
        return True

    def _set_flags(self, begin: int) -> bool:
        on = True
        names = {"i": "fold", "m": "multiline", "s": "dot_all", "U": "swap"}
        while (character := self._peek()) and character not in ":)":
            self._at += 1
            if character == "-" and on:
                on = False
            elif character in names:
                self._flags = replace(self._flags, **{names[character]: on})
            else:
                raise PatternError("invalid or unsupported Perl syntax", self._text[begin : self._at])
        if not character:
            raise PatternError("invalid or unsupported Perl syntax", self._text[begin:])
        self._at += 1
        return character == ")"

    def _quoted(self) -> list[_Fragment]:
        if not self._take("\\Q"):
            return []
        end = self._text.find("\\E", self._at)
        quoted = self._text[self._at : end if end >= 0 else len(self._text)]
        self._at = end + 2 if end >= 0 else len(self._text)
        parts = [self._tests(self._literal(character)) for character in quoted]
        return [*parts[:-1], self._quantified(parts[-1])] if parts else []

    def _escape(self) -> _Fragment | None:
        following = self._peek(1)
        if not following:
            raise PatternError("trailing backslash at end of expression", "")
        if following in "AzbB":
            self._at += 2
            return self._asserts(following)
        if following == "Q":
            return None
        test = self._escaped_class()
        return self._tests(test or self._literal(self._escaped_character()))

    def _escaped_class(self) -> Test | None:
        following = self._peek(1)
        if following.lower() in _PERL:
            self._at += 2
            members, wanted = _PERL[following.lower()], following.islower()
            return lambda other: (other in members) == wanted
        return self._category() if following in ("p", "P") else None

    def _category(self) -> Test:
        begin = self._at
        wanted = self._peek(1) == "p"
        self._at += 2
        if self._take("{"):
            end = self._text.find("}", self._at)
            name = self._text[self._at : end] if end >= 0 else ""
            self._at = end + 1 if end >= 0 else len(self._text)
        else:
            name = self._peek()
            self._at += 1
        if name.startswith("^"):
            name, wanted = name[1:], not wanted
        if name != "Any" and (not name or name[0] not in "CLMNPSZ" or len(name) > 2):
            raise PatternError("invalid character class range", self._text[begin : self._at])
        name = "" if name == "Any" else name
        return lambda other: unicodedata.category(other).startswith(name) == wanted

    def _escaped_character(self) -> str:
        begin, following = self._at, self._peek(1)
        self._at += 2
        if following in _CONTROLS:
            return _CONTROLS[following]
        if following == "x":
            return self._hexadecimal(begin)
        if following in "01234567" and (following == "0" or self._peek() in tuple("01234567")):
            while self._at - begin < 4 and self._peek() in tuple("01234567"):
                self._at += 1
            return chr(int(self._text[begin + 1 : self._at], 8))
        if following in _LETTERS or following in _DIGITS or not following.isascii():
            raise PatternError("invalid escape sequence", self._text[begin : self._at])
        return following

    def _hexadecimal(self, begin: int) -> str:
        if self._take("{"):
            end = self._text.find("}", self._at)
            digits = self._text[self._at : end] if end >= 0 else ""
            self._at = end + 1 if end >= 0 else self._at
        else:
            digits = self._text[self._at : self._at + 2]
            self._at += 2
        if not digits or not _POSIX["xdigit"].issuperset(digits) or int(digits, 16) > 0x10FFFF:
            raise PatternError("invalid escape sequence", self._text[begin : self._at])
        return chr(int(digits, 16))

    # --- classes

    def _class(self) -> Test:
        begin = self._at
        self._at += 1
        wanted = not self._take("^")
        tests: list[Test] = []
        while not tests or self._peek() != "]":
            if not self._peek():
                raise PatternError("missing closing ]", self._text[begin:])
            tests.append(self._member(begin))
        self._at += 1
        fold = self._flags.fold

        def test(other: str) -> bool:
            forms = {other, other.lower(), other.upper()} if fold else {other}
            return any(member(form) for form in forms if len(form) == 1 for member in tests) == wanted

        return test

    def _member(self, begin: int) -> Test:
        if self._text.startswith("[:", self._at):
            end = self._text.find(":]", self._at + 2)
            if end >= 0:
                return self._posix(end)
        if self._peek() == "\\":
            found = self._escaped_class()
            if found:
                return found
        first, low = self._at, self._single(begin)
        if self._peek() != "-" or self._peek(1) in ("]", ""):
            return lambda other: other == low
        self._at += 1
        high = self._single(begin)
        if high < low:
            raise PatternError("invalid character class range", self._text[first : self._at])
        return lambda other: low <= other <= high

    def _posix(self, end: int) -> Test:
        name = self._text[self._at + 2 : end]
        shown = self._text[self._at : end + 2]
        self._at = end + 2
        wanted = not name.startswith("^")
        members = _POSIX.get(name.removeprefix("^"))
        if members is None:
            raise PatternError("invalid character class range", shown)
        return lambda other: (other in members) == wanted

    def _single(self, begin: int) -> str:
        character = self._peek()
        if not character:
            raise PatternError("missing closing ]", self._text[begin:])
        if character == "\\":
            if not self._peek(1):
                raise PatternError("trailing backslash at end of expression", "")
            return self._escaped_character()
        self._at += 1
        return character


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8 and (text == "0" or text[0] != "0")
