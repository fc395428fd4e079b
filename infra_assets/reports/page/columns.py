"""A report's rows as columns of numbers, each text, change and list of changes written once.

Texts that hold a TEP's own name or account have a mark in its place, so that the same change in many TEPs is the same text. The page's
script puts them back, and nothing is lost.
"""

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from infra_assets.fleet.models import Ring, Tep
from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.matrix import CLEAN, COUNTED, LETTERS, Row
from infra_assets.reports.neutral import neutral
from infra_assets.reports.page.links import account_template, is_link, page_templates
from infra_assets.reports.page.values import MESSAGE_LIMIT, cut, shown
from infra_assets.reports.page.verdicts import LOOKS
from infra_assets.reports.report import Report

TEP_MARK, ACCOUNT_MARK = "\ue000", "\ue001"
"""Of Unicode's private area, in which no value has a character."""
STATEFUL, PROTECTED = 1, 2

_T = TypeVar("_T", bound=Hashable)


class _Numbered(Generic[_T]):
    """Things by number, each once."""

    def __init__(self, *first: _T) -> None:
        self.things = list(first)
        self._numbers: dict[_T, int] = {thing: number for number, thing in enumerate(first)}

    def number(self, thing: _T) -> int:
        number = self._numbers.setdefault(thing, len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        return number


def as_columns(report: Report) -> dict[str, Any]:
    """Return all that the page's script shows."""
    columns = _Columns()
    for row in report.rows:
        columns.add(row)
    return columns.as_json() | {
        "trend": _trend(report),
        "verdicts": [look.as_json() for look in LOOKS],
        "clean": list(CLEAN),
        "letters": {letter: verdict for verdict, letter in LETTERS.items()},
        "rings": [ring.value for ring in Ring],
        "runs": f"{report.dagster_url.rstrip('/')}/runs/" if is_link(report.dagster_url or "/") else "",
    }


def _trend(report: Report) -> dict[str, list[int | str]] | None:
    """Return the trend's cells by number; by name those that are not in the report."""
    if report.trend is None:
        return None
    numbers = {row.name: number for number, row in enumerate(report.rows)}
    lists = {"new": report.trend.new, "gone": report.trend.gone, "still": report.trend.still}
    return {name: [numbers.get(cell, cell) for cell in cells] for name, cells in lists.items()}


class _Columns:
    """What is gathered from one row after the other."""

    def __init__(self) -> None:
        self._texts: _Numbered[str] = _Numbered("")
        self._teps: _Numbered[Tep] = _Numbered()
        self._counts: _Numbered[tuple[int, ...]] = _Numbered()
        self._changes: _Numbered[tuple[Any, ...]] = _Numbered()
        self._lists: _Numbered[tuple[int, ...]] = _Numbered(())
        self._kin: _Numbered[str] = _Numbered("[]")
        self._kin_of_lists = [0]
        self._kin_of_messages: dict[int, int] = {0: 0}
        self._ids: dict[int, list[list[str]]] = {}
        self._cells: dict[str, list[int | float | None]] = {}
        self._size = 0

    def add(self, row: Row) -> None:
        """Take a row in."""
        resources, drift = self._list(row.resources, row.tep), self._list(row.drift, row.tep)
        cell = {
            "tep": self._teps.number(row.tep),
            "project": self._texts.number(row.project),
            "state": self._texts.number(row.state),
            "verdict": self._texts.number(row.verdict),
            "cause": self._text(cut(row.cause), row.tep),
            "message": self._message(row),
            "counts": self._counts.number(_counts(row)),
            "run": self._texts.number(row.run_id or ""),
            "finished": round(row.finished_at.timestamp()) if row.finished_at else None,
            "duration": round(row.duration_s, 1) if row.duration_s is not None else None,
            "resources": resources,
            "drift": drift,
            "history": self._texts.number(row.history),
        }
        for name, value in cell.items():
            self._cells.setdefault(name, []).append(value)
        ids = [[change.id for change in changes] for changes in (row.resources, row.drift)]
        if any(map(any, ids)):
            self._ids[self._size] = ids
        self._size += 1

    def as_json(self) -> dict[str, Any]:
        """Return what was taken in."""
        teps = self._teps.things
        types: set[str] = {self._texts.things[change[0]] for change in self._changes.things}
        return {
            "teps": {
                "name": [tep.name for tep in teps],
                "tenant": [tep.tenant for tep in teps],
                "environment": [tep.environment for tep in teps],
                "ring": [tep.ring.value for tep in teps],
                "region": [tep.region for tep in teps],
                "account": [tep.account_id for tep in teps],
            },
            "cells": self._cells,
            "counts": self._counts.things,
            "changes": self._changes.things,
            "lists": self._lists.things,
            "kin": self._kin_of_lists,
            "messageKin": self._kin_of_messages,
            "ids": self._ids,
            "marks": [TEP_MARK, ACCOUNT_MARK],
            "account": account_template(),
            "pages": page_templates(sorted(types)),
            "texts": self._texts.things,
        }

    def _list(self, changes: Sequence[ResourceChange], tep: Tep) -> int:
        if not changes:
            return 0
        numbers = tuple(self._change(change, tep) for change in changes)
        number = self._lists.number(numbers)
        if number == len(self._kin_of_lists):
            self._kin_of_lists.append(self._kin.number(self._neutral(sorted(map(self._readable, numbers), key=str), tep)))
        return number

    def _change(self, change: ResourceChange, tep: Tep) -> int:
        properties: list[int | None] = []
        for each in change.properties:
            before, after = shown(each.before, each.after)
            properties += [self._text(each.path, tep), self._texts.number(each.kind), self._value(before, tep), self._value(after, tep)]
        flags = STATEFUL * change.stateful | PROTECTED * change.protected
        name = self._text(change.name, tep)
        return self._changes.number((self._texts.number(change.type), name, self._texts.number(change.operation), flags, *properties))

    def _readable(self, number: int) -> list[Any]:
        """Return a change with its texts, as what is compared between TEPs."""
        type_, name, operation, flags, *properties = self._changes.things[number]
        return [flags, *(text if text is None else self._texts.things[text] for text in (type_, name, operation, *properties))]

    def _message(self, row: Row) -> int:
        number = self._text(cut(row.message, MESSAGE_LIMIT), row.tep)
        if number not in self._kin_of_messages:
            self._kin_of_messages[number] = self._kin.number(self._neutral(self._texts.things[number], row.tep))
        return number

    def _neutral(self, value: Any, tep: Tep) -> str:
        """Return what reads the same in every TEP, down to what AWS has numbered."""
        return json.dumps(neutral(value, tep))

    def _value(self, text: str | None, tep: Tep) -> int | None:
        return None if text is None else self._text(text, tep)

    def _text(self, text: str, tep: Tep) -> int:
        if TEP_MARK in text or ACCOUNT_MARK in text:
            text = text.replace(TEP_MARK, "\ufffd").replace(ACCOUNT_MARK, "\ufffd")
        text = text.replace(tep.name, TEP_MARK)
        return self._texts.number(text.replace(tep.account_id, ACCOUNT_MARK) if tep.account_id else text)


def _counts(row: Row) -> tuple[int, ...]:
    """Return what the row says of its changes, or what can be counted of them."""
    counts: Mapping[str, int] = row.changes or Counter(change.operation for change in (row.resources or row.drift))
    return tuple(counts.get(name, 0) for name in COUNTED)
