"""Property paths as text: `values.a["k.ey"][0]`."""

import re

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STEP = re.compile(r'\[(?:"((?:\\"|[^"])*)"|(\d+))\]|\.?([^.\["\]]+)')

Path = tuple[str | int, ...]


def join_key(path: str, key: str) -> str:
    """Return the path of a key below another path."""
    if not key:
        return path
    if _PLAIN.match(key):
        return f"{path}.{key}" if path else key
    return f'{path}["{key.replace(chr(34), chr(92) + chr(34))}"]'


def path_text(path: Path) -> str:
    """Return a path as text."""
    text = ""
    for step in path:
        text = f"{text}[{step}]" if isinstance(step, int) else join_key(text, step)
    return text


def parse_path(text: str) -> Path:
    r"""Return the steps of a path; `\"` stands for a quote in a key.

    Raises:
        ValueError: it is no path.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if not found:
            raise ValueError(f"{text} is no property path: nothing can be made of {text[at:]!r}")
        quoted, index, name = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name if name is not None else quoted.replace('\\"', '"'))
        at = found.end()
    return tuple(steps)
