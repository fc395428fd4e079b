"""What Pulumi Cloud answers in JSON, as far as we read it; more in it is let through, less is not."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from pydantic import AliasGenerator, AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from infra_assets.environments.sources.cloud_api import Answer
from infra_assets.environments.sources.protocol import SourceError

T = TypeVar("T")


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=to_camel), hide_input_in_errors=True)


class Entry(_Answer):
    """An environment in the list."""

    organization: str | None = None
    project: str
    name: str
    modified: str = ""


class Page(_Answer):
    """A part of the list."""

    environments: list[Entry] | None = None
    next_token: str | None = None


class Tagged(_Answer):
    """What a tag means."""

    revision: int


class Numbered(_Answer):
    """A revision of an environment."""

    number: int
    created: AwareDatetime
    creator_login: str = ""
    tags: list[str] | None = None


class Importer(_Answer):
    """An environment that refers to another."""

    project: str
    name: str


class StackReferrer(_Answer):
    """A stack that refers to an environment."""

    project: str
    stack: str


class Referrer(_Answer):
    """What refers to an environment: one of these, or something else."""

    environment: Importer | None = None
    stack: StackReferrer | None = None


class Referrers(_Answer):
    """A part of what refers to an environment, by its revision or tag."""

    referrers: dict[str, list[Referrer]]
    continuation_token: str | None = None


class _Target(_Answer):
    entity_type: str = ""
    project: str = ""
    name: str = ""


class ChangeRequest(_Answer):
    """A change that somebody has proposed."""

    id: str
    status: str
    created_at: AwareDatetime
    entity: _Target


class ChangeRequests(_Answer):
    """A part of the list of them."""

    change_requests: list[ChangeRequest] | None
    continuation_token: str | None = None


class DraftStatus(_Answer):
    """What a draft rests on, and what is live."""

    base_revision: int
    environment_revision: int


class _Position(_Answer):
    line: int = 0


class _Range(_Answer):
    begin: _Position = _Position()


class _Diagnostic(_Answer):
    summary: str = ""
    range: _Range | None = None


class _Error(_Answer):
    diagnostics: list[_Diagnostic] | None = None


def parse(kind: type[T], answer: Answer, what: str) -> T:
    """Return an answer's content.

    Raises:
        SourceError: it is something else.
    """
    try:
        return TypeAdapter(kind).validate_json(answer.body)
    except ValidationError:
        raise strange(what) from None


def strange(what: str) -> SourceError:
    """Return the error for an answer that Pulumi Cloud would not give."""
    return SourceError(f"{what}: the answer is none of Pulumi Cloud's; look at the URL and at proxies")


def complaints(answer: Answer) -> str:
    """Return what the service says is wrong with a definition, by line, without the definition."""
    try:
        found = TypeAdapter(_Error).validate_json(answer.body).diagnostics or []
    except ValidationError:
        found = []
    said = [f"line {each.range.begin.line}: {each.summary}" if each.range else each.summary for each in found]
    return "; ".join(said) or f"status {answer.status}"


def age_s(modified: str, answer: Answer) -> float | None:
    """Return how long before an answer, by the service's clock, something was modified; None where that cannot be told."""
    try:
        moment = datetime.fromisoformat(modified)
        listed = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else datetime.now(UTC)
        return (listed - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    except (ValueError, TypeError):
        return None
