"""Environments of a Pulumi Cloud organization."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pulumi_esc_sdk.models.create_environment import CreateEnvironment

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import LATEST, InvalidNameError, canonical_name
from infra_assets.environments.sources.cloud_answers import Entry, Numbered, Page, Tagged, age_s, complaints, parse, strange
from infra_assets.environments.sources.cloud_api import YAML, Answer, CloudApi
from infra_assets.environments.sources.protocol import (
    ConflictError,
    MissingEnvironmentError,
    MissingRevisionError,
    Revision,
    SourceError,
    check_expected,
    check_size,
)

URL = "https://api.pulumi.com"
_ETAG = "etag"
_NUMBER = "pulumi-esc-revision"
_SEALED = b"ciphertext"
_DECRYPT_REVISION = "/esc/environments/{organization}/{project}/{environment}/versions/{version}/decrypt"
_CONFLICT = 409
_SETTLED_S = 5.0
"""An environment changed less than this before it was listed may change again without its time telling."""
_AT_ONCE = 8
_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """An environment as it was listed."""

    modified: str
    revision: str
    settled: bool


@dataclass(frozen=True, slots=True)
class _Cached:
    etag: str
    document: Document = field(repr=False)


class CloudSource:
    """An organization's environments; a revision is the service's number.

    A definition with secrets is read decrypted, for only the service has the key: it stays in memory, and is in no error. A token that may
    not do this reads with `decrypt=False`, and such environments do not evaluate.

    Raises:
        SourceError: the URL would send the token in clear over a network, or the organization's name is none.
    """

    def __init__(
        self,
        organization: str,
        token: str,
        url: str = URL,
        *,
        decrypt: bool = True,
        timeout_s: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloud = CloudApi(organization, token, url, timeout_s=timeout_s, sleep=sleep)
        self._organization = organization
        self._place = self._cloud.place
        self._decrypt = decrypt
        self._seen: dict[str, _Seen] = {}
        self._listed: Mapping[str, str] = MappingProxyType({})
        self._problems: Sequence[str] = ()
        self._current: dict[str, _Cached] = {}
        self._older: dict[tuple[str, str], Document] = {}

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment; only where the list says that one was modified it is asked for.

        Raises:
            SourceError: no answer, or one that cannot be: pages in a circle, or nothing where there was something.
        """
        found = self._modified()
        if self._seen and not found:
            raise SourceError(f"environments ({self._place}): the list is empty and had {len(self._seen)} of them, which is not believed")
        asked = [name for name, (modified, _) in found.items() if not self._unchanged(name, modified)]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            revisions = dict(zip(asked, threads.map(self._head, asked), strict=True))
        seen: dict[str, _Seen] = {}
        for name, (modified, settled) in found.items():
            if name not in revisions:
                seen[name] = self._seen[name]
            elif revision := revisions[name]:
                seen[name] = _Seen(modified, revision, settled)
        self._seen = seen
        listed = {name: each.revision for name, each in seen.items()}
        if listed != self._listed:
            self._listed = MappingProxyType(listed)
        return self._listed

    def problems(self) -> Sequence[str]:
        """Return what was in the last list and has a name that is none here."""
        return self._problems

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment; one that was read before is only asked whether it is still the same.

        Raises:
            MissingEnvironmentError: it is not there, or not with this revision, or hidden from this token.
            SourceError: it cannot be had.
        """
        if revision is not None:
            return self._at(name, revision)
        cached = self._current.get(name)
        if cached is not None:
            answer = self._call(name, self._cloud.api.get_environment_e_tag_without_preload_content)
            if answer.ok and answer.headers.get(_ETAG) == cached.etag and answer.headers.get(_NUMBER) == cached.document.revision:
                return cached.document
        answer = self._definition(name, None)
        if not answer.ok:
            self._current.pop(name, None)
            raise self._missing(name)
        document = self._document(name, answer)
        self._current[name] = _Cached(answer.headers.get(_ETAG, ""), document)
        return document

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means.

        Raises:
            MissingRevisionError: there is no such tag.
            SourceError: it cannot be had.
        """
        if tag == LATEST:
            revision = self._head(name)
            if revision is None:
                raise self._missing(name)
            return revision
        answer = self._call(name, self._cloud.api.get_environment_revision_tag_without_preload_content, tag)
        if not answer.ok:
            raise MissingRevisionError(f"{name}@{tag}: {self._place} has no such tag")
        return str(parse(Tagged, answer, f"{name}@{tag} ({self._place})").revision)

    def history(self, name: str, limit: int = 50) -> Sequence[Revision]:
        """Return an environment's revisions, newest first.

        Raises:
            MissingEnvironmentError: it is not there.
            SourceError: it cannot be had.
        """
        answer = self._call(name, self._cloud.api.list_environment_revisions_without_preload_content, count=limit)
        if not answer.ok:
            raise self._missing(name)
        return [
            Revision(str(each.number), each.created, each.creator_login, False, tuple(each.tags or ()))
            for each in parse(tuple[Numbered, ...], answer, f"revisions of {name} ({self._place})")
        ]

    def write(self, name: str, source: bytes, *, expected: str | None = None, author: str = "") -> str:  # noqa: ARG002
        """Write a definition; the service knows the author by the token, and takes none that has errors.

        Raises:
            ConflictError: the current revision is not `expected`.
            SourceError: it is not accepted; with what the service says, by line.
        """
        check_size(name, len(source))
        try:
            text = source.decode("utf-8")
        except UnicodeDecodeError:
            raise SourceError(f"{name} cannot be written: it is not UTF-8") from None
        # The precondition is named so, and not If-Match: it is what the service looks for.
        etag = self._etag(name, expected)
        headers = {"ETag": etag} if etag and expected is not None else {}
        answer = self._call(name, self._cloud.api.update_environment_yaml_without_preload_content, text, changes=True, _headers=headers)
        if answer.status == _CONFLICT:
            raise ConflictError(f"{name} was changed meanwhile by somebody else: nothing was written")
        if not answer.ok:
            raise SourceError(f"{name} is not accepted by {self._place}: {complaints(answer)}")
        return self._number(name, answer)

    def _etag(self, name: str, expected: str | None) -> str:
        """Return the current one, after a look at the revision; makes the environment where there is none."""
        answer = self._call(name, self._cloud.api.get_environment_e_tag_without_preload_content)
        check_expected(name, self._number(name, answer) if answer.ok else None, expected)
        if answer.ok:
            return answer.headers.get(_ETAG, "")
        project, environment = canonical_name(name).canonical.split("/")
        new = CreateEnvironment(project=project, name=environment)
        made = self._cloud.call(f"environment {name}", self._cloud.api.create_environment_without_preload_content, new, changes=True)
        if made.status == _CONFLICT:
            raise ConflictError(f"{name} was made meanwhile by somebody else: nothing was written")
        if not made.ok:
            raise SourceError(f"{name} cannot be made in {self._place}: {complaints(made)}")
        return ""

    def _at(self, name: str, revision: str) -> Document:
        if (name, revision) not in self._older:
            answer = self._definition(name, revision) if revision.isdigit() else None
            if answer is None or not answer.ok:
                raise MissingRevisionError(f"{name}@{revision}: {self._place} has no such revision, or hides it from the access token")
            document = self._document(name, answer)
            if document.revision != revision:
                raise strange(f"environment {name}@{revision} ({self._place})")
            self._older[name, revision] = document
        return self._older[name, revision]

    def _definition(self, name: str, revision: str | None) -> Answer:
        api = self._cloud.api
        if revision is None:
            answer = self._call(name, api.get_environment_without_preload_content)
        else:
            answer = self._call(name, api.get_environment_at_version_without_preload_content, revision)
        if not (self._decrypt and answer.ok and _SEALED in answer.body):
            return answer
        if revision is None:
            return self._call(name, api.decrypt_environment_without_preload_content)
        project, environment = canonical_name(name).canonical.split("/")
        parts = {"project": project, "environment": environment, "version": revision}
        return self._cloud.get(f"environment {name}", _DECRYPT_REVISION, parts, accept=YAML)

    def _modified(self) -> dict[str, tuple[str, bool]]:
        """Return when each environment was modified, and whether that is long enough ago to tell it from a later change."""
        found: dict[str, tuple[str, bool]] = {}
        problems: list[str] = []
        for entry, answer in self._entries():
            try:
                name = canonical_name(f"{entry.project}/{entry.name}").canonical
            except InvalidNameError as error:
                problems.append(str(error))
                continue
            age = age_s(entry.modified, answer)
            found[name] = (entry.modified, age is not None and age > _SETTLED_S)
        self._problems = problems
        return found

    def _entries(self) -> Iterator[tuple[Entry, Answer]]:
        what = f"environments ({self._place})"
        token: str | None = None
        tokens: set[str] = set()
        while len(tokens) < _PAGES:
            answer = self._cloud.call("environments", self._cloud.api.list_environments_without_preload_content, continuation_token=token)
            if not answer.ok:
                raise SourceError(f"{what}: no such organization, or the access token may not see it ({answer.status})")
            page = parse(Page, answer, what)
            for entry in page.environments or []:
                if entry.organization in (None, self._organization):
                    yield entry, answer
            token = page.next_token
            if not token:
                return
            if token in tokens:
                break
            tokens.add(token)
        raise SourceError(f"{what}: the pages of the list go in a circle")

    def _unchanged(self, name: str, modified: str) -> bool:
        seen = self._seen.get(name)
        return seen is not None and seen.settled and seen.modified == modified

    def _head(self, name: str) -> str | None:
        answer = self._call(name, self._cloud.api.get_environment_e_tag_without_preload_content)
        return self._number(name, answer) if answer.ok else None

    def _call(self, name: str, method: Callable[..., Any], *arguments: Any, changes: bool = False, **options: Any) -> Answer:
        project, environment = canonical_name(name).canonical.split("/")
        return self._cloud.call(f"environment {name}", method, project, environment, *arguments, changes=changes, **options)

    def _document(self, name: str, answer: Answer) -> Document:
        number = self._number(name, answer)
        check_size(name, len(answer.body))
        return Document(name, number, answer.body, place=f"{self._place}: {name}@{number}")

    def _number(self, name: str, answer: Answer) -> str:
        number = answer.headers.get(_NUMBER, "")
        if not number.isdigit():
            raise strange(f"environment {name} ({self._place})")
        return number

    def _missing(self, name: str) -> MissingEnvironmentError:
        return MissingEnvironmentError(f"there is no environment {name} in {self._place}, or it is hidden from the access token")
