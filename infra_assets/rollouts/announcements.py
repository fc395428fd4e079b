"""What people are told about a rollout: one announcement of a kind, and how it is written for each that reads it.

Names, reasons and messages in it come from people and programs: what a reader would take for markup is made harmless here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["started", "halted", "waiting", "done", "failed", "drift"]
Severity = Literal["info", "warning", "error"]

LINKS_SHOWN = 5
LINE_LENGTH = 500
TITLE_LENGTH = 200
# Slack takes 3,000 characters in a section, and what is escaped becomes longer.
SECTION_LENGTH = 2900
CUT = "…"
SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Announcement:
    """What happened to a rollout, or what a drift check has found, for people."""

    rollout_id: str
    """Or the check's."""
    kind: Kind
    title: str
    lines: Sequence[str] = ()
    """What else is to be said, a sentence each."""
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """Cells by state, in the order in which they are shown."""
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses by what stands for them."""
    severity: Severity = "info"
    dedup_key: str = ""
    """Names the rollout's incident: the same in all of its announcements, so that `done` resolves what `halted` opened."""
    at: datetime | None = None
    """When it happened, with its zone; the same when it is sent again."""

    @classmethod
    def restored(cls, content: Mapping[str, Any]) -> "Announcement":
        """Return the announcement that `as_json` was made of.

        Raises:
            KeyError, TypeError, ValueError: it was made of something else.
        """
        at: str | None = content["at"]
        values: dict[str, Any] = {**content, "at": datetime.fromisoformat(at) if at else None}
        return cls(**values)


def as_text(announcement: Announcement) -> str:
    """Return it as plain text, a line for each thing."""
    links = (f"{label}: {url}" for label, url in _addresses(announcement))
    lines = (_one_line(announcement.title, TITLE_LENGTH), *_lines(announcement), _counts(announcement), *links)
    return "\n".join(line for line in lines if line)


def as_slack_text(announcement: Announcement) -> str:
    """Return the one line that Slack shows where it shows no blocks: in notifications."""
    return _escaped(_one_line(announcement.title, TITLE_LENGTH))


def as_slack_blocks(announcement: Announcement) -> list[dict[str, Any]]:
    """Return it as Slack's blocks. Nothing in it can mention anybody or pose as a link."""
    links = SEPARATOR.join(f"<{_address(url)}|{_escaped(label)}>" for label, url in _addresses(announcement))
    sections = [f"*{as_slack_text(announcement)}*", _cut(map(_escaped, _lines(announcement)), SECTION_LENGTH), links]
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in sections if text]
    if counts := _escaped(_counts(announcement)):
        blocks.insert(-1 if links else len(blocks), {"type": "context", "elements": [{"type": "mrkdwn", "text": counts}]})
    return blocks


def as_json(announcement: Announcement) -> dict[str, Any]:
    """Return it as plain values: its fields, `at` as ISO 8601."""
    return {
        "rollout_id": announcement.rollout_id,
        "kind": announcement.kind,
        "title": announcement.title,
        "lines": list(announcement.lines),
        "counts": dict(announcement.counts),
        "links": dict(announcement.links),
        "severity": announcement.severity,
        "dedup_key": announcement.dedup_key,
        "at": announcement.at.isoformat() if announcement.at else None,
    }


def _lines(announcement: Announcement) -> list[str]:
    return [_one_line(line, LINE_LENGTH) for line in announcement.lines if line.strip()]


def _counts(announcement: Announcement) -> str:
    return SEPARATOR.join(f"{number:,} {_one_line(name, 40)}" for name, number in announcement.counts.items() if number)


def _addresses(announcement: Announcement) -> list[tuple[str, str]]:
    """Return the links that lead somewhere; anything else, `javascript:` say, is none, nor is an address that had to be cut."""
    return [
        (_one_line(label, 80), url)
        for label, url in announcement.links.items()
        if url.startswith(("http://", "https://")) and url.isprintable() and len(url) <= LINE_LENGTH and label.strip()
    ][:LINKS_SHOWN]


def _one_line(text: str, length: int) -> str:
    """Return a text without line breaks and characters that turn writing around, and not too long."""
    shown = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return shown if len(shown) <= length else shown[: length - len(CUT)] + CUT


def _cut(lines: Iterable[str], length: int) -> str:
    """Return as many whole lines as fit, and the number of the others."""
    fitting: list[str] = []
    every = list(lines)
    for line in every:
        if sum(len(shown) + 1 for shown in fitting) + len(line) > length:
            return "\n".join([*fitting, f"{CUT} and {len(every) - len(fitting):,} lines more"])
        fitting.append(line)
    return "\n".join(fitting)


def _escaped(text: str) -> str:
    """Return a text in which Slack finds no markup of its own: neither `<!channel>` nor a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _address(url: str) -> str:
    """Return an address that ends where Slack's link has its label."""
    return _escaped(url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E"))
