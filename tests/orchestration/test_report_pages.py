"""Reports, as Dagster's webserver shows them."""

import asyncio
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from infra_assets import settings
from infra_assets.fleet.database import connect
from infra_assets.orchestration.webserver import FleetWebserver
from infra_assets.previews.finishing import artifacts, keep
from infra_assets.previews.store import CheckStore
from tests.previews.checks import add, check
from tests.reports.reports import report

ID = "20261129T020000Z-aaaaaa"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    for name in list(os.environ):
        if name.startswith("INFRA_REPORTS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("INFRA_HOME", str(tmp_path))
    monkeypatch.setenv("INFRA_DATABASE_URL", f"sqlite:///{tmp_path / 'infra.db'}")
    settings.load.cache_clear()
    yield tmp_path
    settings.load.cache_clear()


@pytest.fixture
def store(home: Path) -> CheckStore:
    return CheckStore(connect(settings.load().database_url))


class Web:
    """Asks for pages, without a server and without Dagster's part of it, which would want a workspace."""

    def __init__(self) -> None:
        self._app = Starlette(routes=[route for route in routes() if getattr(route, "path", "").startswith("/reports")])

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://dagster") as client:
            return await client.get(path)


def routes() -> list[Any]:
    server: Any = FleetWebserver(None)  # type: ignore[arg-type]  # no workspace
    return server.build_routes()


@pytest.fixture
def web(store: CheckStore) -> Web:
    return Web()


def kept() -> None:
    keep(artifacts(settings.load()), replace(report(2), id=ID))


def test_our_pages_come_before_dagsters_that_takes_everything() -> None:
    paths = [getattr(route, "path", "") for route in routes()]
    assert paths[:3] == ["/reports", "/reports/latest", "/reports/{check}/report.{form}"]
    assert len(paths) > 5


@pytest.mark.parametrize(
    ("form", "kind", "begins"),
    [
        ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ("json", "application/json", '{"summary"'),
        ("csv", "text/csv; charset=utf-8", "project,tep,"),
        ("md", "text/markdown; charset=utf-8", "#"),
    ],
)
def test_a_report_is_shown_in_every_form(web: Web, form: str, kind: str, begins: str) -> None:
    kept()
    said = web.get(f"/reports/{ID}/report.{form}")
    assert (said.status_code, said.headers["content-type"]) == (200, kind)
    assert said.text.lower().lstrip("\ufeff").startswith(begins)


def test_a_page_may_load_nothing_from_elsewhere_and_is_kept_by_nobody(web: Web) -> None:
    kept()
    headers = web.get(f"/reports/{ID}/report.html").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "private, no-cache")


@pytest.mark.parametrize(
    "path", [f"{ID}/report.pdf", f"{ID}/report.html.exe", "nope/report.html", "latest/report.html", "%2e%2e/report.html"]
)
def test_what_is_no_report_is_not_found(web: Web, path: str) -> None:
    said = web.get(f"/reports/{path}")
    assert said.status_code == 404


@pytest.mark.parametrize(
    "path", ["..%2f..%2finfra.db", f"{ID}%2f..%2f..%2finfra.db", f"{ID}/report.html%2f..%2f..%2finfra.db", f"{ID}/..%2finfra.db"]
)
def test_no_path_leads_out_of_the_reports(web: Web, home: Path, path: str) -> None:
    kept()
    said = web.get(f"/reports/{path}")
    assert said.status_code == 404
    assert "SQLite" not in said.text


def test_a_report_that_is_not_there_says_why(web: Web) -> None:
    said = web.get(f"/reports/{ID}/report.html")
    assert (said.status_code, said.text) == (
        404, f"There is no report {ID}: it is not written yet, or was removed after INFRA_REPORTS_DAYS.",
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/reports", "/reports/latest"])
def test_the_newest_report_of_drift_is_led_to(web: Web, store: CheckStore, path: str) -> None:
    said = web.get(path)
    assert (said.status_code, said.text) == (404, "There is no report yet: infra drift makes one, and every night does.")
    for id_, kind in ((ID, "drift"), ("20261130T020000Z-bbbbbb", "preview"), ("20261201T020000Z-cccccc", "drift")):
        add(store, check(id_, kind=kind))  # type: ignore[arg-type]
        if id_[7] != "1":
            store.end_report(id_, None, {})
    # The newest one of drift is done, and its report is not written yet.
    said = web.get(path)
    assert (said.status_code, said.headers["location"]) == (307, f"/reports/{ID}/report.html")


def test_a_place_that_keeps_no_reports_is_told(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRA_REPORTS", "ftp://nowhere")
    settings.load.cache_clear()
    said = web.get(f"/reports/{ID}/report.html")
    assert said.status_code == 503
    assert "ftp://nowhere" in said.text
