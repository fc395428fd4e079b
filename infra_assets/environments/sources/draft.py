"""A draft of an environment of Pulumi Cloud: a change that somebody has proposed there, and that is not live."""

from collections.abc import Iterator, Sequence

from infra_assets.environments.language.editing import read_secrets, replace_ciphertexts
from infra_assets.environments.language.model import Document
from infra_assets.environments.names import canonical_name
from infra_assets.environments.sources.cloud_answers import ChangeRequest, ChangeRequests, DraftStatus, complaints, parse, strange
from infra_assets.environments.sources.cloud_api import YAML, CloudApi, ForbiddenError
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, SourceError, blob_id, check_size
from infra_assets.errors import InfraError

_DRAFT = "/esc/environments/{organization}/{project}/{environment}/drafts/{draft}"
_REQUESTS = "/change-requests/{organization}"
_STATUS = f"{_DRAFT}/status"
_OPEN = {"draft", "pending", "ready"}
_PAGES = 1000


def open_drafts(cloud: CloudApi, name: str) -> Sequence[str] | None:
    """Return the ids of an environment's drafts that are neither applied nor closed, newest first; None where the service does not tell.

    Raises:
        SourceError: no answer, or one that cannot be.
    """
    try:
        found = [
            each
            for each in _requests(cloud)
            if each.status in _OPEN and f"{each.entity.project}/{each.entity.name}".lower() == name.lower()
        ]
    except (ForbiddenError, _UnknownError):
        return None
    return [each.id for each in sorted(found, key=lambda each: each.created_at, reverse=True)]


class DraftSource:
    """A draft's definition, read once; its revision is the blob id of what the service gives.

    The service keeps a draft's secrets to itself. Those that the environment has already are read from there, by their ciphertexts.

    Raises:
        MissingRevisionError: there is no such draft of this environment, or the token may not see it.
        SourceError: no answer, or one that cannot be; or the draft has secrets that are nowhere to be had.
    """

    def __init__(self, cloud: CloudApi, name: str, draft: str) -> None:
        self._cloud = cloud
        self._name = name
        self._draft = draft
        self._what = f"draft {draft} of environment {name}"
        project, environment = canonical_name(name).canonical.split("/")
        self._parts = {"project": project, "environment": environment, "draft": draft}
        self._document = self._read()

    @property
    def label(self) -> str:
        """What a person calls it: `draft shared/app@12`."""
        return f"draft {self._name}@{self._draft}"

    @property
    def names(self) -> frozenset[str]:
        """The one environment that it changes."""
        return frozenset({self._name})

    def behind(self) -> tuple[int, int] | None:
        """Return the revision that the draft rests on and the live one, where they are two; None too where the service does not tell.

        Raises:
            SourceError: no answer, or one that cannot be.
        """
        try:
            answer = self._cloud.get(self._what, _STATUS, self._parts)
        except ForbiddenError:
            return None
        if not answer.ok:
            return None
        status = parse(DraftStatus, answer, f"{self._what} ({self._cloud.place})")
        now = (status.base_revision, status.environment_revision)
        return now if now[0] != now[1] else None

    def after(self, name: str, live: Document | None) -> Document | None:  # noqa: ARG002
        """Return the draft, whatever is live: it is applied whole."""
        return self._document

    def at(self, name: str, revision: str) -> Document:
        """Return the draft's own revision.

        Raises:
            MissingRevisionError: it is another one.
        """
        if revision != self._document.revision:
            raise MissingRevisionError(f"{name}@{revision}: {self.label} is not that")
        return self._document

    def _read(self) -> Document:
        answer = self._cloud.get(self._what, _DRAFT, self._parts, accept=YAML)
        if answer.status == 404:
            raise MissingRevisionError(f"there is no {self._what} in {self._cloud.place}, or it is hidden from the access token")
        if not answer.ok:
            raise SourceError(f"{self._what} ({self._cloud.place}): {complaints(answer)}")
        if "etag" not in answer.headers:
            raise strange(f"{self._what} ({self._cloud.place})")
        check_size(self._what, len(answer.body))
        source = self._opened(answer.body)
        return Document(self._name, blob_id(answer.body), source, place=f"{self._cloud.place}: {self._name}@{self._draft}")

    def _opened(self, source: bytes) -> bytes:
        try:
            if not any(sealed for _, sealed in read_secrets(source).values()):
                return source
            opened, left = replace_ciphertexts(source, self._known())
        except SourceError:
            raise
        except InfraError as error:
            raise SourceError(f"{self._what} ({self._cloud.place}): {error.message}") from None
        if left:
            raise SourceError(
                f"{self._what} ({self._cloud.place}): the service gives nobody the secrets that are new in it: {', '.join(left)}",
                remedy="Preview a draft without them: what is the environment's already is known.",
            )
        return opened

    def _known(self) -> dict[str, str]:
        """Return the environment's secrets by their ciphertexts."""
        sealed, opened = (read_secrets(self._definition(decrypt=decrypt)) for decrypt in (False, True))
        return {text: opened[path][0] for path, (text, hidden) in sealed.items() if hidden and path in opened and not opened[path][1]}

    def _definition(self, *, decrypt: bool) -> bytes:
        api = self._cloud.api
        method = api.decrypt_environment_without_preload_content if decrypt else api.get_environment_without_preload_content
        answer = self._cloud.call(f"environment {self._name}", method, self._parts["project"], self._parts["environment"])
        if not answer.ok:
            raise MissingEnvironmentError(
                f"there is no environment {self._name} in {self._cloud.place}, or it is hidden from the access token"
            )
        return answer.body


def _requests(cloud: CloudApi) -> Iterator[ChangeRequest]:
    token: str | None = None
    tokens: set[str] = set()
    while len(tokens) < _PAGES:
        query = {"entityType": "environment"} | ({"continuationToken": token} if token else {})
        answer = cloud.get("change requests", _REQUESTS, {}, query)
        if not answer.ok:
            raise _UnknownError
        page = parse(ChangeRequests, answer, f"change requests ({cloud.place})")
        yield from page.change_requests or []
        token = page.continuation_token
        if not token:
            return
        if token in tokens:
            break
        tokens.add(token)
    raise SourceError(f"change requests ({cloud.place}): the pages of the list go in a circle")


class _UnknownError(Exception):
    """The service does not know this call."""
