r"""Regular expressions as Go has them, by RE2: matched in a time that grows with the text alone, whatever the pattern.

Python's own engine can be made to run for years by one line of a document.
"""

import re
from functools import cache
from typing import Any

_WORDS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "invalid repetition size": "invalid repeat count",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "trailing \\": "trailing backslash at end of expression",
}
"""What RE2 calls a mistake, and what Go does."""
_ANY_BYTE = re.compile(r"(?<!\\)(?:\\\\)*(\\C)")
"""RE2 knows it, Go does not."""


class PatternError(Exception):
    """A pattern is none; the message is Go's."""

    def __init__(self, problem: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {problem}: `{part}`")


class Pattern:
    """A compiled pattern.

    Raises:
        PatternError: it is none.
    """

    def __init__(self, text: str) -> None:
        if found := _ANY_BYTE.search(text):
            raise PatternError("invalid escape sequence", found[1])
        engine = _re2()
        try:
            self._compiled: Any = engine.compile(text, _options())
        except engine.error as error:
            said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error.args[0])
            problem, _, part = said.partition(": ")
            raise PatternError(_WORDS.get(problem, problem), part) from None

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere in a text."""
        return self._compiled.search(text) is not None


def _re2() -> Any:
    import re2  # only a schema with a pattern needs it

    return re2


@cache
def _options() -> Any:
    options = _re2().Options()
    options.log_errors = False  # on standard error, where they would be nobody's
    return options
