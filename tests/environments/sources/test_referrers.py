"""Who refers to an environment, as Pulumi Cloud tells it: all of them or nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra_assets.environments.sources.cloud_api import CloudApi
from infra_assets.environments.sources.narrowing import Nothing
from infra_assets.environments.sources.protocol import SourceError
from infra_assets.environments.sources.referrers import Found, Referrers
from tests.environments.sources import cloud_server
from tests.environments.sources.cloud_server import ORGANIZATION, TOKEN, Cloud, cut, slow, status


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_server.serve() as served:
        for name in ("shared/base", "shared/app", "shared/other", "tenants/acme", "tenants/acme-prod", "tenants/acme-dev"):
            served.put(name, "values: {}\n")
        account = {"insightsAccount": {"accountName": "x"}}
        served.referrers = {
            "shared/base": {"latest": [environment("shared/app")]},
            "shared/app": {"latest": [environment("tenants/acme-prod"), stack("billing", "prod")], "3": [environment("tenants/acme-dev")]},
            "tenants/acme": {"latest": [environment("tenants/acme-prod"), environment("tenants/acme-dev"), account]},
        }
        yield served


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def referrers(cloud: Cloud, waits: list[float]) -> Referrers:
    return Referrers(CloudApi(ORGANIZATION, TOKEN, cloud.url, timeout_s=0.5, sleep=waits.append))


def environment(name: str) -> dict[str, Any]:
    project, _, short = name.partition("/")
    return {"environment": {"project": project, "name": short, "revision": 4}}


def stack(project: str, name: str) -> dict[str, Any]:
    return {"stack": {"project": project, "stack": name, "version": 7}}


def test_what_a_change_can_concern_is_found_over_several_steps(referrers: Referrers) -> None:
    assert referrers.closure({"shared/base"}) == {"shared/base", "shared/app", "tenants/acme-prod", "tenants/acme-dev"}
    assert referrers.closure({"tenants/acme"}) == {"tenants/acme", "tenants/acme-prod", "tenants/acme-dev"}
    assert referrers.closure({"shared/other"}) == {"shared/other"}
    assert referrers.closure(()) == frozenset()


def test_each_environment_is_asked_once_also_in_a_circle(cloud: Cloud, referrers: Referrers) -> None:
    cloud.referrers["shared/app"]["latest"].append(environment("shared/base"))
    cloud.asked()
    closure = referrers.closure({"shared/base"})
    assert closure is not None
    assert len(cloud.asked()) == len(closure)


def test_environments_and_stacks_of_all_revisions_are_told(cloud: Cloud, referrers: Referrers) -> None:
    assert referrers.of("shared/app") == Found(frozenset({"tenants/acme-prod", "tenants/acme-dev"}), frozenset({"billing/prod"}))
    assert cloud.asked() == ["GET acme-corp/shared/app/referrers?count=500&allRevisions=true&latestStackVersionOnly=true"]


def test_all_pages_are_read(cloud: Cloud, referrers: Referrers) -> None:
    cloud.page_size = 2
    cloud.referrers["shared/base"] = {"latest": [environment(f"tenants/t{number}") for number in range(5)]}
    found = referrers.of("shared/base")
    assert found is not None
    assert found.environments == {f"tenants/t{number}" for number in range(5)}
    assert len(cloud.asked()) == 3


def test_a_list_whose_pages_go_in_a_circle_is_none(cloud: Cloud, referrers: Referrers) -> None:
    cloud.tokens_go_round = True
    with pytest.raises(SourceError, match=r"what refers to environment shared/app \(acme-corp on 127.0.0.1\): the pages"):
        referrers.closure({"shared/app"})


@pytest.mark.parametrize("fault", [status(404), status(403), status(400)])
def test_a_service_that_does_not_tell_narrows_nothing(cloud: Cloud, referrers: Referrers, fault: cloud_server.Fault) -> None:
    cloud.faults = [fault]
    assert referrers.closure({"shared/app"}) is None
    # Also where it is on a later step only: what is not known there may be anybody.
    cloud.faults = [lambda _: False, fault]
    assert referrers.closure({"shared/base"}) is None


def test_one_that_is_not_there_or_of_another_make_narrows_nothing(cloud: Cloud, referrers: Referrers) -> None:
    assert referrers.closure({"shared/app", "shared/new"}) is None
    cloud.old = True
    assert referrers.closure({"shared/app"}) is None
    assert Nothing().closure({"shared/app"}) is None


def test_what_concerns_many_is_not_followed(cloud: Cloud, referrers: Referrers) -> None:
    cloud.referrers["shared/app"] = {"latest": [environment(f"tenants/t{number}") for number in range(200)]}
    cloud.page_size = 500
    cloud.asked()
    assert referrers.closure({"shared/app"}) is None
    assert len(cloud.asked()) == 1


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([status(401)], r"not accepted \(401\)"),
        ([status(500)] * 9, r"the service fails \(500\), 5 times"),
        ([slow(1.5)] * 9, r"no whole answer"),
        ([status(200, "<html>")], r"none of Pulumi Cloud's"),
        ([status(200, json.dumps({"referrers": {"latest": [{"environment": {"name": "x"}}]}}))], r"none of Pulumi Cloud's"),
    ],
)
def test_a_failure_is_said_and_is_no_answer(cloud: Cloud, waits: list[float], faults: list[cloud_server.Fault], said: str) -> None:
    cloud.faults = list(faults)
    referrers = Referrers(CloudApi(ORGANIZATION, TOKEN, cloud.url, timeout_s=0.1, sleep=waits.append))
    with pytest.raises(SourceError, match=rf"what refers to environment shared/app \(acme-corp on 127.0.0.1\): .*{said}"):
        referrers.closure({"shared/app"})


def test_what_may_pass_is_tried_again(cloud: Cloud, referrers: Referrers, waits: list[float]) -> None:
    cloud.faults = [status(429, Retry_After="7"), status(503), cut()]
    assert referrers.closure({"shared/other"}) == {"shared/other"}
    assert waits[0] == 7
