"""Environments of Pulumi Cloud, against a server that behaves as the published API does, and against one that fails."""

import json
import logging
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest

from infra_assets.environments.sources.cloud import CloudSource
from infra_assets.environments.sources.protocol import NEW, ConflictError, MissingEnvironmentError, MissingRevisionError, SourceError
from tests.environments.sources import cloud_server
from tests.environments.sources.cloud_server import ORGANIZATION, SEALED, TOKEN, Cloud, cut, slow, status, trickle

APP = "values: {size: 1}\n"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_server.serve() as served:
        yield served


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def source(cloud: Cloud, waits: list[float]) -> CloudSource:
    return CloudSource(ORGANIZATION, TOKEN, cloud.url, timeout_s=0.5, sleep=waits.append)


def test_an_environment_is_read_as_it_is_with_its_revision_and_place(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", "values: {size: 0}\n", "# größer\nvalues: {size: 1}\n")
    document = source.read("shared/app")
    assert (document.source.decode(), document.revision) == ("# größer\nvalues: {size: 1}\n", "2")
    assert document.place == "acme-corp on 127.0.0.1: shared/app@2"
    assert source.read("shared/app", "1").source == b"values: {size: 0}\n"


@pytest.mark.parametrize(
    "definition",
    [
        "imports: [{shared/base: {merge: false}}]\n",
        "values: {environmentVariables: {PORT: 8080}}\n",
        "values: {environmentVariables: {PORT: {fn::toString: 8080}}}\n",
        "values: {x: {}, pulumiConfig: '${x}'}\n",
        "",
    ],
)
def test_definitions_are_read_that_the_official_clients_models_refuse_or_lose(cloud: Cloud, source: CloudSource, definition: str) -> None:
    cloud.put("shared/app", definition)
    assert source.read("shared/app").source == definition.encode()


def test_secrets_come_in_clear_for_only_the_service_can_open_them_and_show_in_no_repr(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", "values: {p: {fn::secret: older}}\n", "values: {p: {fn::secret: hunter2}}\n")
    assert b"hunter2" in source.read("shared/app").source
    assert b"older" in source.read("shared/app", "1").source
    assert "hunter2" not in repr(source.read("shared/app")) + repr(source) + repr(vars(source))
    assert TOKEN not in repr(source) + repr(vars(source))
    sealed = CloudSource(ORGANIZATION, TOKEN, cloud.url, decrypt=False).read("shared/app").source
    assert SEALED.encode() in sealed
    assert b"hunter2" not in sealed


def test_what_was_read_before_is_only_asked_for_its_etag(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP)
    source.read("shared/app")
    cloud.asked()
    assert source.read("shared/app").source == APP.encode()
    assert cloud.asked() == ["HEAD acme-corp/shared/app"]
    cloud.edit("shared/app", "values: {size: 2}\n")
    assert source.read("shared/app").revision == "2"
    assert cloud.asked() == ["HEAD acme-corp/shared/app", "GET acme-corp/shared/app"]


def test_a_revision_is_asked_for_once(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP, "values: {}\n")
    assert source.read("shared/app", "1") is source.read("shared/app", "1")
    assert len(cloud.asked()) == 1


def test_the_list_has_all_pages_and_asks_again_only_for_what_was_modified(cloud: Cloud, source: CloudSource) -> None:
    for number in range(7):
        cloud.put(f"tenants/t{number}", *[APP] * (number + 1))
    cloud.page_size = 3
    listed = source.list()
    assert listed == {f"tenants/t{number}": str(number + 1) for number in range(7)}
    cloud.asked()
    assert source.list() is listed
    pages = ["GET acme-corp", "GET acme-corp?continuationToken=3", "GET acme-corp?continuationToken=6"]
    assert cloud.asked() == pages
    cloud.edit("tenants/t0", "values: {}\n")
    del cloud.environments["tenants/t6"]
    assert source.list() == {**{f"tenants/t{number}": str(number + 1) for number in range(1, 6)}, "tenants/t0": "2"}
    assert cloud.asked() == [*pages[:2], "HEAD acme-corp/tenants/t0"]


def test_two_changes_within_the_same_second_are_both_noticed(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP, age=timedelta())
    modified = cloud.environments["shared/app"].modified
    assert source.list() == {"shared/app": "1"}
    cloud.environments["shared/app"].revisions.append("values: {}\n")
    assert cloud.environments["shared/app"].modified == modified
    assert source.list() == {"shared/app": "2"}


def test_an_empty_list_is_one_but_not_after_one_that_was_not(cloud: Cloud, source: CloudSource) -> None:
    assert source.list() == {}
    cloud.put("shared/app", APP)
    source.list()
    cloud.environments.clear()
    with pytest.raises(SourceError, match=r"the list is empty and had 1 of them, which is not believed"):
        source.list()


def test_a_list_whose_pages_go_in_a_circle_is_no_list(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP)
    cloud.tokens_go_round = True
    with pytest.raises(SourceError, match=r"pages of the list go in a circle"):
        source.list()


def test_a_list_that_fails_on_a_later_page_changes_nothing(cloud: Cloud, source: CloudSource) -> None:
    for number in range(4):
        cloud.put(f"tenants/t{number}", APP)
    cloud.page_size = 2
    before = dict(source.list())
    cloud.faults = [status(200, json.dumps({"environments": [], "nextToken": "2"})), status(403)]
    with pytest.raises(SourceError, match=r"may not do this \(403\)"):
        source.list()
    assert source.list() == before


def test_tags_and_history(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP, "values: {}\n", tags={"stable": 1})
    assert source.tag("shared/app", "stable") == "1"
    assert source.tag("shared/app", "latest") == "2"
    assert [(each.revision, each.author, each.tags) for each in source.history("shared/app")] == [
        ("2", "joe", ()),
        ("1", "joe", ("stable",)),
    ]
    with pytest.raises(MissingRevisionError, match=r"shared/app@nope: acme-corp on 127.0.0.1 has no such tag"):
        source.tag("shared/app", "nope")


def test_what_is_not_there_is_said_at_once(cloud: Cloud, source: CloudSource, waits: list[float]) -> None:
    cloud.put("shared/app", APP)
    with pytest.raises(MissingEnvironmentError, match=r"no environment shared/nope in acme-corp on 127.0.0.1, or it is hidden"):
        source.read("shared/nope")
    with pytest.raises(MissingRevisionError, match=r"shared/app@9: acme-corp on 127.0.0.1 has no such revision"):
        source.read("shared/app", "9")
    with pytest.raises(SourceError, match=r"no such organization"):
        CloudSource("someone-else", TOKEN, cloud.url).list()
    assert waits == []
    source.read("shared/app")
    del cloud.environments["shared/app"]
    with pytest.raises(MissingEnvironmentError):
        source.read("shared/app")


def test_a_token_that_is_not_accepted_is_said_at_once_and_shown_nowhere(
    cloud: Cloud, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = TOKEN[::-1]
    with pytest.raises(SourceError, match=r"not accepted \(401\): set another as INFRA_PULUMI_ACCESS_TOKEN") as refused:
        CloudSource(ORGANIZATION, token, cloud.url, sleep=waits.append).read("shared/app")
    shown = "".join(traceback.format_exception(refused.value)) + caplog.text
    assert token not in shown
    assert len(cloud.asked()) == 1
    assert waits == []


def test_too_many_requests_are_repeated_when_the_service_says(cloud: Cloud, source: CloudSource, waits: list[float]) -> None:
    cloud.put("shared/app", APP)
    cloud.faults = [status(429, Retry_After="7"), status(429, Retry_After="3600"), status(429)]
    assert source.read("shared/app").revision == "1"
    assert waits[:2] == [7.0, 60.0]
    assert 0 < waits[2] <= 5


def test_a_failing_service_is_asked_again_and_not_for_ever(cloud: Cloud, source: CloudSource, waits: list[float]) -> None:
    cloud.put("shared/app", APP)
    cloud.faults = [status(500), status(503)]
    assert source.read("shared/app").revision == "1"
    assert waits == [0.5, 1.0]
    cloud.asked()
    cloud.faults = [status(500, "secret of the service")] * 20
    with pytest.raises(
        SourceError, match=r"environment shared/app \(acme-corp on 127.0.0.1\): the service fails \(500\), 5 times"
    ) as failed:
        source.read("shared/app")
    assert "secret of the service" not in "".join(traceback.format_exception(failed.value))
    assert len(cloud.asked()) == 5


def test_a_connection_that_is_cut_in_an_answer_gives_no_half_definition(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP)
    cloud.faults = [cut()]
    assert source.read("shared/app").source == APP.encode()
    cloud.faults = [cut()] * 20
    with pytest.raises(SourceError, match=r"no whole answer \(IncompleteRead|no whole answer \(ProtocolError"):
        CloudSource(ORGANIZATION, TOKEN, cloud.url, sleep=lambda _: None).read("shared/app")


@pytest.mark.parametrize("fault", [slow(1.5), trickle(10)])
def test_a_slow_service_holds_up_nobody(cloud: Cloud, waits: list[float], fault: cloud_server.Fault) -> None:
    cloud.put("shared/app", APP)
    cloud.faults = [fault] * 20
    source = CloudSource(ORGANIZATION, TOKEN, cloud.url, timeout_s=0.1, sleep=waits.append)
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"no whole answer \((ReadTimeoutError|TimeoutError)\), 5 times"):
        source.read("shared/app")
    assert time.monotonic() - started < 5


def test_a_service_that_is_not_there_is_said(waits: list[float]) -> None:
    with pytest.raises(SourceError, match=r"no whole answer \(\w+\), 5 times"):
        CloudSource(ORGANIZATION, TOKEN, "http://127.0.0.1:1", sleep=waits.append).list()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(200, "<html>Sign in</html>", Content_Type="text/html"), "none of Pulumi Cloud's"),
        (status(302, Location="https://elsewhere.invalid/"), r"does not give \(302\)"),
    ],
)
def test_an_answer_of_somebody_else_is_no_definition(cloud: Cloud, source: CloudSource, fault: cloud_server.Fault, said: str) -> None:
    cloud.put("shared/app", APP)
    for ask in (lambda: source.read("shared/app"), source.list, lambda: source.tag("shared/app", "stable")):
        cloud.faults = [fault]
        with pytest.raises(SourceError, match=said):
            ask()


def test_the_token_is_sent_over_https_or_to_this_machine() -> None:
    with pytest.raises(SourceError, match=r"only https"):
        CloudSource(ORGANIZATION, TOKEN, "http://api.pulumi.example")


def test_a_change_is_written_with_the_revision_that_it_rests_on(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP)
    assert source.write("shared/app", "# größer\nvalues: {}\n".encode(), expected="1") == "2"
    assert source.read("shared/app").source.decode() == "# größer\nvalues: {}\n"
    with pytest.raises(ConflictError, match=r"based on revision 1, and it is at revision 2"):
        source.write("shared/app", b"values: {a: 1}\n", expected="1")
    assert source.write("shared/app", b"") == "3"
    assert source.read("shared/app").source == b""


def test_a_change_that_comes_between_is_not_overwritten(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP)

    def meanwhile(_: cloud_server.Handler) -> bool:
        cloud.edit("shared/app", "values: {theirs: 1}\n")
        return False

    cloud.faults = [lambda _: False, meanwhile]
    with pytest.raises(ConflictError, match=r"changed meanwhile by somebody else"):
        source.write("shared/app", b"values: {ours: 1}\n", expected="1")
    assert cloud.environments["shared/app"].revisions[-1] == "values: {theirs: 1}\n"


def test_a_new_environment_is_made(cloud: Cloud, source: CloudSource) -> None:
    revision = source.write("shared/new", APP.encode(), expected=NEW)
    assert source.read("shared/new", revision).source == APP.encode()
    with pytest.raises(ConflictError, match=r"shared/new exists already"):
        source.write("shared/new", b"values: {}\n", expected=NEW)


def test_what_the_service_does_not_accept_is_told_by_line(cloud: Cloud, source: CloudSource) -> None:
    cloud.put("shared/app", APP)
    with pytest.raises(SourceError, match=r"shared/app is not accepted by acme-corp on 127.0.0.1: line 2: unknown function") as refused:
        source.write("shared/app", b"values:\n  x: {fn::nope: hunter2}\n")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("fault", [cut(), status(500), status(503, Retry_After="1")])
def test_a_change_that_may_have_been_made_is_not_sent_twice(cloud: Cloud, source: CloudSource, fault: cloud_server.Fault) -> None:
    cloud.put("shared/app", APP)
    cloud.faults = [lambda _: False, fault]
    with pytest.raises(SourceError, match=r"look whether it was changed before trying again"):
        source.write("shared/app", b"values: {}\n", expected="1")
    assert [each.split()[0] for each in cloud.asked()] == ["HEAD", "PATCH"]


def test_a_change_that_was_turned_away_unread_is_sent_again(cloud: Cloud, source: CloudSource, waits: list[float]) -> None:
    cloud.put("shared/app", APP)
    cloud.faults = [lambda _: False, status(429, Retry_After="2")]
    assert source.write("shared/app", b"values: {}\n", expected="1") == "2"
    assert waits == [2.0]
