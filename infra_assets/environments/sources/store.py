"""Environments in the fleet's own database, with revisions and tags."""

import re
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import LATEST, canonical_name, parse_name
from infra_assets.environments.sources.protocol import (
    ConflictError,
    MissingEnvironmentError,
    MissingRevisionError,
    Revision,
    SourceError,
    check_expected,
    check_size,
)
from infra_assets.environments.store_tables import revisions, tags
from infra_assets.fleet.database import now

_DIGITS = re.compile("[0-9]{1,9}")
_MANY = 50
"""So many environments are read one by one, then all at once: a fleet has thousands."""
_FRESH_S = 5.0
"""Seconds for which what was read at once is taken for the present."""


class StoreSource:
    """The environments of the database; a revision is a number, counted from 1 per environment, also across a deletion."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._place = engine.url.render_as_string(hide_password=True)
        self._listed: Mapping[str, str] = MappingProxyType({})
        self._asked = 0
        self._present: Mapping[str, sa.Row[Any]] = MappingProxyType({})
        self._until = 0.0

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment.

        Raises:
            SourceError: the database does not answer.
        """
        self._forget()
        query = _newest(revisions.c.name, revisions.c.number).where(~revisions.c.deleted)
        found = {name: str(number) for name, number in self._read(query)}
        if found != self._listed:
            self._listed = MappingProxyType(found)
        return self._listed

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment.

        Raises:
            MissingEnvironmentError: it is not in the database, or not with this revision.
            SourceError: the database does not answer.
        """
        row = self._now(name) if revision is None else self._first(_of(name).where(revisions.c.number == _number(name, revision)))
        if row is None or row.deleted:
            where = f"the database {self._place}"
            if revision is not None:
                raise MissingRevisionError(f"{name}@{revision}: {where} has no such revision")
            raise MissingEnvironmentError(f"there is no environment {name}: {'it was deleted from' if row else 'it is not in'} {where}")
        return Document(name, str(row.number), row.source, place=f"database: {name}@{row.number}")

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means.

        Raises:
            MissingRevisionError: there is no such tag.
            SourceError: the database does not answer.
        """
        if tag == LATEST:
            return self.read(name).revision
        rows = self._read(sa.select(tags.c.number).where((tags.c.name == name) & (tags.c.tag == tag)))
        if not rows:
            raise MissingRevisionError(f"{name}@{tag}: the database {self._place} has no such tag")
        return str(rows[0].number)

    def history(self, name: str) -> Sequence[Revision]:
        """Return an environment's revisions, newest first.

        Raises:
            SourceError: the database does not answer.
        """
        tagged: dict[int, list[str]] = {}
        for number, tag in self._read(sa.select(tags.c.number, tags.c.tag).where(tags.c.name == name).order_by(tags.c.tag)):
            tagged.setdefault(number, []).append(tag)
        columns = (revisions.c.number, revisions.c.created_at, revisions.c.author, revisions.c.deleted)
        rows = self._read(sa.select(*columns).where(revisions.c.name == name).order_by(revisions.c.number.desc()))
        return [Revision(str(row.number), row.created_at, row.author, row.deleted, tuple(tagged.get(row.number, ()))) for row in rows]

    def write(self, name: str, source: bytes, *, expected: str | None = None, author: str = "") -> str:
        """Add a revision; a definition that is already the current one adds none.

        Raises:
            ConflictError: the current revision is not `expected`, or somebody else wrote at the same moment.
            SourceError: it is too long, or the database does not take it.
        """
        canonical_name(name)
        check_size(name, len(source))
        return self._add(name, source, expected, author, deleted=False)

    def delete(self, name: str, *, expected: str | None = None, author: str = "") -> None:
        """Take an environment away; its revisions stay readable by their numbers, and its tags go.

        Raises:
            MissingEnvironmentError: there is none.
            ConflictError: the current revision is not `expected`, or somebody else wrote at the same moment.
            SourceError: the database does not answer.
        """
        self.read(name)
        self._add(name, b"", expected, author, deleted=True)

    def set_tag(self, name: str, tag: str, revision: str) -> None:
        """Let a tag mean a revision, whatever it meant before.

        Raises:
            InvalidNameError: a tag cannot have this name.
            MissingRevisionError: there is no such revision.
            SourceError: the tag is `latest`, or the database does not answer.
        """
        canonical_name(name)
        if tag == LATEST or parse_name(f"{name}@{tag}").pinned:
            raise SourceError(f"{name}@{tag}: a tag begins with no digit, and `{LATEST}` is always the current revision")
        number = int(self.read(name, revision).revision)
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.delete(tags).where((tags.c.name == name) & (tags.c.tag == tag)))
                connection.execute(sa.insert(tags).values(name=name, tag=tag, number=number))
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def remove_tag(self, name: str, tag: str) -> None:
        """Remove a tag.

        Raises:
            MissingRevisionError: there is no such tag.
            SourceError: the database does not answer.
        """
        self.tag(name, tag)
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.delete(tags).where((tags.c.name == name) & (tags.c.tag == tag)))
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def _now(self, name: str) -> sa.Row[Any] | None:
        """Return an environment's newest revision."""
        if time.monotonic() >= self._until:
            self._asked += 1
            if self._asked <= _MANY:
                return self._first(_of(name).order_by(revisions.c.number.desc()).limit(1))
            self._present = {row.name: row for row in self._read(_newest(revisions.c.name, *_CONTENT))}
            self._until = time.monotonic() + _FRESH_S
        return self._present.get(name)

    def _forget(self) -> None:
        """Look at the database again."""
        self._until, self._asked, self._present = 0.0, 0, MappingProxyType({})

    def _first(self, query: sa.Select[*tuple[Any, ...]]) -> sa.Row[Any] | None:
        return next(iter(self._read(query)), None)

    def _add(self, name: str, source: bytes, expected: str | None, author: str, *, deleted: bool) -> str:
        self._forget()
        try:
            with self._engine.begin() as connection:
                return str(_add(connection, name, source, expected, author, deleted=deleted))
        except IntegrityError:
            raise ConflictError(f"{name} was changed at the same moment by somebody else: nothing was written") from None
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def _read(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def _failed(self, error: SQLAlchemyError) -> SourceError:
        # Its text would hold the statement's parameters, and so definitions.
        reason = error.orig if isinstance(error, DBAPIError) else type(error).__name__
        return SourceError(f"environments in the database {self._place}: {reason}")


_CONTENT = (revisions.c.number, revisions.c.source, revisions.c.deleted)


def _of(name: str) -> sa.Select[*tuple[Any, ...]]:
    """An environment's revisions."""
    return sa.select(*_CONTENT).where(revisions.c.name == name)


def _newest(*columns: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    """Every environment's newest revision."""
    newest = sa.select(revisions.c.name, sa.func.max(revisions.c.number).label("number")).group_by(revisions.c.name).subquery()
    same = (revisions.c.name == newest.c.name) & (revisions.c.number == newest.c.number)
    return sa.select(*columns).join(newest, same)


def _add(connection: Connection, name: str, source: bytes, expected: str | None, author: str, *, deleted: bool) -> int:
    newest = sa.select(revisions.c.number, revisions.c.source, revisions.c.deleted).where(revisions.c.name == name)
    row = connection.execute(newest.order_by(revisions.c.number.desc()).limit(1)).one_or_none()
    current = row if row is not None and not row.deleted else None
    check_expected(name, str(current.number) if current else None, expected)
    if current is not None and not deleted and current.source == source:
        return int(current.number)
    number = int(row.number) + 1 if row is not None else 1
    # Two that count up to the same number meet at the primary key: one of them is told.
    values = {"name": name, "number": number, "source": source, "deleted": deleted, "created_at": now(), "author": author}
    connection.execute(sa.insert(revisions).values(values))
    if deleted:
        connection.execute(sa.delete(tags).where(tags.c.name == name))
    return number


def _number(name: str, revision: str) -> int:
    if not _DIGITS.fullmatch(revision):
        raise MissingRevisionError(f"{name}@{revision}: a revision in the database is a number")
    return int(revision)
