"""A report as one HTML page that needs nothing but a browser: no network, no server, no files beside it.

All that comes from people and programs is data: Jinja escapes what stands in the page, the rest is JSON that the page's script turns
into text nodes. The policy in the page's head lets no other script and no other style run, wherever they came from.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader

from infra_assets.reports.page.columns import as_columns
from infra_assets.reports.page.links import is_link
from infra_assets.reports.report import Report

_STYLES = ("colours", "frame", "map", "panel", "paper")
_SCRIPTS = ("dom", "data", "looks", "changes", "state", "matching", "map", "keys", "groups", "attention", "trend", "panel", "paper", "main")
"""In the order of their use: each may name only what stands before it, or what it calls later."""

_environment = Environment(loader=PackageLoader("infra_assets.reports", "page"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def as_html(report: Report, *, links: Mapping[str, str] | None = None) -> str:
    """Return the page. `links` are shown in its head, names to addresses: the pull request, the run that made it."""
    style = _joined(_STYLES, "css")
    script = f"(() => {{\n{_joined(_SCRIPTS, 'js')}}})();\n"
    page = _environment.get_template("page.html").render(
        report=report,
        times=_times(report),
        cells=_counted(len(report.rows), "cell"),
        teps=_counted(len({row.tep.name for row in report.rows}), "TEP"),
        before_at=_time(report.trend.before_at) if report.trend else "",
        links=[(name, address) for name, address in (links or {}).items() if is_link(address)],
        not_links=[(name, address) for name, address in (links or {}).items() if not is_link(address)],
        style=style,
        script=script,
        policy=f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; base-uri 'none'; form-action 'none'",
        data=_embedded(as_columns(report)),
    )
    # Half a surrogate pair, of a program that cut a text, would make a page that cannot be written to a file.
    return page.encode("utf-8", "replace").decode("utf-8")


def _joined(names: tuple[str, ...], kind: str) -> str:
    folder = "styles" if kind == "css" else "scripts"
    loader = _environment.loader
    assert loader is not None
    return "".join(loader.get_source(_environment, f"{folder}/{name}.{kind}")[0] for name in names)


def _hashed(text: str) -> str:
    """Return a text as a Content-Security-Policy names it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _embedded(data: Mapping[str, Any]) -> str:
    # Not only `</script>` ends such an element: `<!--<script>` would keep it from ending. No `<`, no question.
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _times(report: Report) -> str:
    if report.finished_at is None:
        return f"{_time(report.started_at)}, not finished"
    seconds = round((report.finished_at - report.started_at).total_seconds())
    took = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    return f"{_time(report.started_at)}, took {took}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
