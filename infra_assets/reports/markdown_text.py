"""Texts of people and programs as Markdown that does nothing: no HTML, no links, nobody is notified.

GitHub looks for `@name`, `#12` and addresses in what Markdown has become, so escaping alone does not stop it: what separates them is a
blank of no width, or that the text is code.
"""

import re
from urllib.parse import quote, urlsplit

from infra_assets.reports.lines import one_line

NARROW = "\u200b"
"""A blank of no width."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LIVE = re.compile(r"[@#]|GH-(?=\d)|:(?=//)|www(?=\.)|mailto:|xmpp:", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[\\`*\[\]|~!$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BEGINNING = re.compile(r"^(\d+)?([-+=.)])")


def prose(text: str) -> str:
    """Return a text as one line of Markdown that reads as the text."""
    return _BEGINNING.sub(r"\1\\\2", _PUNCTUATION.sub(r"\\\g<0>", html(text)))


def html(text: str) -> str:
    """Return a text as one line of HTML, where Markdown is not read: in a line that begins with a tag."""
    escaped = "".join(_ENTITIES.get(character, character) for character in one_line(text).strip())
    return _LIVE.sub(lambda found: found.group() + NARROW, escaped)


def html_code(text: str) -> str:
    """Return a text as code in such a line."""
    return f"<code>{html(text)}</code>"


def code(text: str, *, table: bool = False) -> str:
    """Return a text as code in a line, or in a cell of a table."""
    shown = one_line(text).strip() or "-"
    if table:
        shown = shown.replace("|", "\\|")
    fence = "`" * (_longest_run(shown) + 1)
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def fence(text: str) -> str:
    """Return a fence that a text does not close."""
    return "`" * max(3, _longest_run(text) + 1)


def link(label: str, address: str) -> str:
    """Return a link, or both as text where the address is none to follow."""
    if not is_address(address):
        return f"{prose(label)}: {code(address)}"
    return f"[{prose(label)}]({quote(address, safe=':/?#[@$&;=+,%~.-_')})"


def is_address(address: str) -> bool:
    """Return whether an address leads to a web page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
