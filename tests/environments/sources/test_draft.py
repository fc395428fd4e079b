"""Drafts of Pulumi Cloud, against a server that behaves as the official client expects, and against one that fails."""

import json
import traceback
from collections.abc import Iterator

import pytest

from infra_assets.environments.sources.cloud import CloudSource
from infra_assets.environments.sources.cloud_api import CloudApi
from infra_assets.environments.sources.draft import DraftSource, open_drafts
from infra_assets.environments.sources.protocol import MissingRevisionError, SourceError, blob_id
from infra_assets.environments.sources.replaced import Replaced
from tests.environments.sources import cloud_server
from tests.environments.sources.cloud_server import ORGANIZATION, SEALED, TOKEN, Cloud, Draft, cut, slow, status

APP = "values: {size: 1}\n"
NEW = "# größer\nvalues: {size: 2}\n"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_server.serve() as served:
        served.put("shared/app", APP)
        served.drafts["12"] = Draft("shared/app", NEW)
        yield served


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def api(cloud: Cloud, waits: list[float]) -> CloudApi:
    return CloudApi(ORGANIZATION, TOKEN, cloud.url, timeout_s=0.5, sleep=waits.append)


def test_a_draft_takes_the_environments_place(cloud: Cloud, api: CloudApi) -> None:
    cloud.put("tenants/acme-prod", "imports: [shared/app]\n")
    draft = DraftSource(api, "shared/app", "12")
    assert (draft.label, draft.names) == ("draft shared/app@12", {"shared/app"})
    live = CloudSource(ORGANIZATION, TOKEN, cloud.url)
    source = Replaced(live, draft)
    document = source.read("shared/app")
    assert document.source == NEW.encode()
    assert document.revision == blob_id(NEW.encode()) == source.list()["shared/app"]
    assert document.place == "acme-corp on 127.0.0.1: shared/app@12"
    assert source.read("shared/app", "1").source == APP.encode()
    assert source.read("shared/app", document.revision) == document
    assert source.read("tenants/acme-prod") == live.read("tenants/acme-prod")
    with pytest.raises(MissingRevisionError):
        source.read("shared/app", "f" * 40)


def test_secrets_that_the_environment_has_already_are_read_from_there(cloud: Cloud, api: CloudApi) -> None:
    cloud.put("shared/app", "values: {old: {fn::secret: hunter2}, gone: {fn::secret: away}}\n")
    cloud.drafts["12"] = Draft("shared/app", "values: {size: 2, moved: {fn::secret: hunter2}} # kept\n")
    draft = DraftSource(api, "shared/app", "12")
    document = draft.after("shared/app", None)
    assert document is not None
    assert document.source == b"values: {size: 2, moved: {fn::secret: hunter2}} # kept\n"
    assert "hunter2" not in repr(draft) + repr(vars(draft)) + repr(document)
    assert document.revision != blob_id(document.source), "who knows a revision could try secrets out"


def test_a_secret_that_is_new_is_told_by_its_path_and_not_shown(cloud: Cloud, api: CloudApi) -> None:
    cloud.put("shared/app", "values: {old: {fn::secret: hunter2}}\n")
    cloud.drafts["12"] = Draft("shared/app", "values: {old: {fn::secret: hunter2}, new: {fn::secret: fresh}}\n")
    with pytest.raises(SourceError, match=r"gives nobody the secrets that are new in it: values.new") as refused:
        DraftSource(api, "shared/app", "12")
    shown = "".join(traceback.format_exception(refused.value))
    assert not any(word in shown for word in ("hunter2", "fresh", SEALED))


@pytest.mark.parametrize(("name", "number"), [("shared/app", "13"), ("shared/other", "12"), ("shared/app", "../../x")])
def test_a_draft_that_is_not_there_is_said(cloud: Cloud, api: CloudApi, waits: list[float], name: str, number: str) -> None:
    cloud.put("shared/other", APP)
    with pytest.raises(MissingRevisionError, match=r"there is no draft .* in acme-corp on 127.0.0.1, or it is hidden"):
        DraftSource(api, name, number)
    assert waits == []


def test_the_open_drafts_of_an_environment_are_told_newest_first(cloud: Cloud, api: CloudApi) -> None:
    for number, state in enumerate(["draft", "ready", "applied", "closed", "pending"]):
        cloud.drafts[f"d{number}"] = Draft("shared/app", NEW, state, f"2026-10-0{number + 2}T00:00:00Z")
    cloud.drafts["other"] = Draft("shared/other", NEW)
    cloud.page_size = 2
    assert open_drafts(api, "shared/app") == ["d4", "d1", "d0", "12"]
    assert cloud.asked()[0] == "GET /api/change-requests/acme-corp?entityType=environment"
    assert open_drafts(api, "shared/none") == []


@pytest.mark.parametrize("fault", [status(403), status(404), status(400)])
def test_a_service_that_does_not_tell_the_drafts_is_no_failure(cloud: Cloud, api: CloudApi, fault: cloud_server.Fault) -> None:
    cloud.faults = [fault]
    assert open_drafts(api, "shared/app") is None


def test_a_list_of_drafts_whose_pages_go_in_a_circle_is_none(cloud: Cloud, api: CloudApi) -> None:
    cloud.tokens_go_round = True
    with pytest.raises(SourceError, match=r"change requests \(acme-corp on 127.0.0.1\): the pages of the list go in a circle"):
        open_drafts(api, "shared/app")


def test_whether_the_environment_was_changed_since(cloud: Cloud, api: CloudApi) -> None:
    draft = DraftSource(api, "shared/app", "12")
    assert draft.behind() is None
    cloud.edit("shared/app", "values: {}\n")
    assert draft.behind() == (1, 2)
    cloud.faults = [status(403)]
    assert draft.behind() is None
    cloud.old = True
    assert draft.behind() is None


@pytest.mark.parametrize(
    ("code", "said"),
    [(401, r"not accepted \(401\)"), (403, r"may not do this \(403\)"), (400, "status 400"), (302, r"does not give \(302\)")],
)
def test_a_refusal_is_said_at_once(cloud: Cloud, api: CloudApi, waits: list[float], code: int, said: str) -> None:
    cloud.faults = [status(code)]
    with pytest.raises(SourceError, match=rf"draft 12 of environment shared/app \(acme-corp on 127.0.0.1\): .*{said}") as refused:
        DraftSource(api, "shared/app", "12")
    assert TOKEN not in "".join(traceback.format_exception(refused.value))
    assert waits == []


def test_what_may_pass_is_tried_again(cloud: Cloud, api: CloudApi, waits: list[float]) -> None:
    cloud.faults = [status(429, Retry_After="7"), status(500), cut()]
    assert DraftSource(api, "shared/app", "12").names
    assert len(waits) == 3
    assert waits[0] == 7
    cloud.faults = [slow(1.5)] * 20
    with pytest.raises(SourceError, match=r"no whole answer"):
        DraftSource(CloudApi(ORGANIZATION, TOKEN, cloud.url, timeout_s=0.1, sleep=waits.append), "shared/app", "12")


@pytest.mark.parametrize("body", ["<html>Sign in</html>", json.dumps({"changeRequests": [{"id": 1}]})])
def test_an_answer_of_somebody_else_is_no_draft(cloud: Cloud, api: CloudApi, body: str) -> None:
    for ask in (lambda: DraftSource(api, "shared/app", "12"), lambda: open_drafts(api, "shared/app")):
        cloud.faults = [status(200, body)]
        with pytest.raises(SourceError, match=r"none of Pulumi Cloud's"):
            ask()
