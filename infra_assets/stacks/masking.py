"""Keeps known secrets out of whatever is shown or written down: as they are, and in the forms in which texts carry them."""

import base64
import io
import json
import re
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

SECRET = "[secret]"  # noqa: S105  # what stands in a secret's place
SHORTEST = 4
"""Shorter texts stand in too many others: masking them would garble a log without hiding anything."""

URL_SAFE = str.maketrans("+/", "-_")


class Masker:
    """Replaces secrets by `[secret]`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        texts = {line for secret in secrets for line in (secret, *_lines(secret))}
        self.unmaskable = sum(0 < len(text) < SHORTEST for text in texts)
        """How many secrets are too short to be masked."""
        forms = {form for text in texts if len(text) >= SHORTEST for form in _forms(text)}
        # The longest first: a secret may stand within another.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        return self._pattern.sub(SECRET, text) if self._pattern else text

    def plain(self, value: Any) -> Any:
        """Return a plain value, of any depth, without secrets."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(key)): self.plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            case list() | tuple():
                return [self.plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
            case _:
                return value

    @contextmanager
    def streams(self) -> Generator[None]:
        """Mask what this process prints meanwhile; a program's `print` goes into Dagster's logs."""
        if self._pattern is None:
            yield
            return
        out, err = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Masked(out, self.text), _Masked(err, self.text)
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.close()
            sys.stdout, sys.stderr = out, err


class _Masked(io.TextIOBase):
    """Passes whole lines on, masked; a secret that is printed in pieces is one again by then."""

    def __init__(self, below: TextIO, mask: Callable[[str], str]) -> None:
        self._below = below
        self._mask = mask
        self._waiting = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._waiting += text
        *lines, self._waiting = self._waiting.split("\n")
        if lines:
            self._below.write(self._mask("\n".join(lines) + "\n"))
        return len(text)

    def flush(self) -> None:
        self._below.flush()

    def fileno(self) -> int:
        return self._below.fileno()

    def close(self) -> None:
        if self._waiting:
            self._below.write(self._mask(self._waiting))
            self._waiting = ""
        self._below.flush()


def _lines(secret: str) -> list[str]:
    """Return the lines of a secret that has several: logs show them one by one."""
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if len(line) > SHORTEST * 2] if len(lines) > 1 else []


def _forms(text: str) -> Iterable[str]:
    """Yield the forms in which a text may stand in another: clear, JSON, URL, base64 at each of its three offsets."""
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield quote(text)
    yield quote(text, safe="")
    yield quote_plus(text)
    encoded = text.encode()
    yield base64.b64encode(encoded).decode()
    yield base64.urlsafe_b64encode(encoded).decode()
    for offset in range(3):
        # Within a longer text that is encoded as a whole: what does not depend on its neighbours.
        inner = base64.b64encode(b"\0" * offset + encoded).decode()
        start, end = (0, 2, 3)[offset], len(inner) - (4 if (offset + len(encoded)) % 3 else 0)
        if end - start >= SHORTEST * 2:
            yield inner[start:end]
            yield inner[start:end].translate(URL_SAFE)
