"""How results reach a person or a program: what was asked for alone on stdout, progress and errors on stderr."""

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic_core import to_json
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from infra_assets.errors import UsageError
from infra_assets.reports.matrix import Row, as_json, as_markdown
from infra_assets.reports.table import matrix_table

UNLIMITED = 10_000
stderr = Console(stderr=True)


class Format(StrEnum):
    """What a list can be printed as."""

    TABLE = "table"
    JSON = "json"
    MD = "md"
    HTML = "html"
    CSV = "csv"
    """Of a report alone."""


def write(text: str, output: Path | None, *, private: bool = False) -> None:
    """Write a result to stdout or a file, which nobody else may read if it is `private`.

    Raises:
        UsageError: the file cannot be written.
    """
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    try:
        if private:
            output.unlink(missing_ok=True)
            output.touch(mode=0o600)
        output.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from None
    stderr.print(f"written to {output}", style="dim")


def write_table(table: Table, plain: Any, markdown: str, form: Format, output: Path | None, *, private: bool = False) -> None:
    """Write a result in the form that was asked for; `plain` is what JSON shows."""
    match form:
        case Format.JSON:
            write(to_json(plain, indent=2).decode(), output, private=private)
        case Format.MD:
            write(markdown, output, private=private)
        case Format.HTML:
            recorder = Console(record=True, file=StringIO(), width=160)
            recorder.print(table)
            write(recorder.export_html(), output, private=private)
        case Format.CSV:
            raise UsageError("--format csv: this has no CSV", remedy="table, json, md, html")
        case Format.TABLE if output is None:
            Console(width=None if sys.stdout.isatty() else _width(table)).print(table)
        case Format.TABLE:
            plainly = StringIO()
            Console(file=plainly, width=_width(table)).print(table)
            write(plainly.getvalue(), output, private=private)


def write_tables(tables: Sequence[RenderableType], form: Format, output: Path | None) -> None:
    """Write several tables and texts below each other, as text or as HTML."""
    if form is Format.CSV:
        raise UsageError("--format csv: this has no CSV", remedy="table, json, md, html")
    if form is Format.HTML:
        recorder = Console(record=True, file=StringIO(), width=160)
        recorder.print(*tables, sep="\n")
        write(recorder.export_html(), output)
        return
    width = max((_width(table) for table in tables), default=UNLIMITED)
    if output is None:
        Console(width=None if sys.stdout.isatty() else width).print(*tables, sep="\n")
        return
    plainly = StringIO()
    Console(file=plainly, width=width).print(*tables, sep="\n")
    write(plainly.getvalue(), output)


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> Table:
    """Return a table of texts that are shown as they are: `[secret]` is no markup."""
    table = Table(caption=caption or None)
    for heading in headings:
        table.add_column(heading, overflow="fold")  # what is cut off cannot be typed again
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _width(table: RenderableType) -> int:
    """Return how wide a table is where nothing limits it: a file or a pipe."""
    console = Console(width=UNLIMITED)
    return console.measure(table).maximum


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(_in_markdown, line))} |" for line in lines)


def _in_markdown(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def write_matrix(rows: Sequence[Row], form: Format, output: Path | None, *, title: str = "", extra: dict[str, Any] | None = None) -> None:
    """Write a matrix in the form that was asked for."""
    write_table(matrix_table(rows, title=title), as_json(rows) | (extra or {}), as_markdown(rows), form, output)


def problems(rows: Sequence[Row]) -> list[str]:
    """Return a paragraph for each cell that has something to say."""
    return [f"{row.project}/{row.tep.name} {row.verdict or row.state}: {row.message}" for row in rows if row.message]
