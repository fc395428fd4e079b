"""What an ended drift check becomes in Dagster, and what people are told of it."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from infra_assets import settings
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.orchestration.fleet_report import publish
from infra_assets.previews.models import Check, CheckState
from infra_assets.previews.reporting import Reporter
from infra_assets.rollouts.outbox import Outbox
from infra_assets.settings import Settings
from tests.previews.checks import BEGAN, add, begin, check

TEPS = {name: Tep(name[:2], "prod", Ring.REGULAR, "us-east-1", f"{number:012d}", "x") for number, name in enumerate(("c1-prod", "c2-prod"))}
PUBLIC = "https://dagster.example.com/"
GONE = {"type": "aws:sns/topic:Topic", "name": "t", "operation": "delete", "stateful": False, "id": "", "properties": []}


class Told:
    """Keeps what would be delivered."""

    channels = ("slack",)

    def __init__(self) -> None:
        self.announcements: list[Any] = []

    def send(self, announcement: Any, channels: Any = None) -> list[Any]:
        from infra_assets.orchestration.notifications import Delivery

        self.announcements.append(announcement)
        return [Delivery("slack", ok=True)]


class Office:
    """A reporter, a Dagster, and who is told."""

    def __init__(self, loaded: Settings, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.reporter = Reporter(loaded, TEPS, PUBLIC)
        self.store = self.reporter.store
        self.outbox = Outbox(self.store.engine, PUBLIC)

    def night(self, number: int, verdicts: dict[str, str] | None = None, *, about: str = "all 2", **values: Any) -> Check:
        """A drift check that is done and reported."""
        began = BEGAN + timedelta(days=number)
        of = check(f"{began:%Y%m%dT%H%M%SZ}-aaaaaa", about={"TEPs": about}, created_at=began, **values)
        add(self.store, of, verdicts)
        report, histories = self.reporter.compared(self.store.get(of.id))
        self.store.end_report(of.id, report.trend.as_json() if report.trend else None, histories)
        return self.store.get(of.id)

    def publish(self) -> list[str]:
        return [of.id for of in publish(self.instance, self.reporter, self.outbox)]

    @property
    def materialized(self) -> list[dg.AssetMaterialization]:
        """Oldest first."""
        records = self.instance.fetch_materializations(dg.AssetKey("fleet_report"), limit=10).records
        return [record.asset_materialization for record in reversed(records) if record.asset_materialization]

    def told(self) -> list[Any]:
        told = Told()
        self.outbox.deliver(told)
        return told.announcements


@pytest.fixture
def office(tmp_path: Path) -> Generator[Office]:
    url = f"sqlite:///{tmp_path / 'infra.db'}"
    connect(url)
    loaded = Settings(**{**settings.load().model_dump(), "home": tmp_path, "database_url": url})
    with dg.DagsterInstance.ephemeral() as instance:
        yield Office(loaded, instance)


def test_counts_are_numbers_that_dagster_plots_and_the_report_is_one_click_away(office: Office) -> None:
    of = office.night(1, {"network/c1-prod": "drifted", "account/c2-prod": "error"}, left_out=["queue cannot be loaded"])
    assert office.publish() == [of.id]
    (found,) = office.materialized
    numbers = {name: value.value for name, value in found.metadata.items() if isinstance(value, dg.IntMetadataValue)}
    assert numbers == {
        "in_sync": 2, "drifted": 1, "pending": 0, "both": 0, "error": 1, "teps": 2,
        "resources_changed_in_the_cloud": 0, "resources_gone_in_the_cloud": 0,
    }  # fmt: skip
    assert found.metadata["report"] == dg.UrlMetadataValue(f"/reports/{of.id}/report.html")
    assert found.metadata["left_out"].value == "- queue cannot be loaded"
    assert str(found.metadata["runs"].value).startswith("/runs?")


def test_what_is_gone_in_the_cloud_is_counted_by_resource(office: Office) -> None:
    of = office.night(1, {"network/c1-prod": "drifted"})
    office.store.set_cell(of.id, "c1-prod", "network", drift=[GONE, GONE, {**GONE, "operation": "update"}])
    office.publish()
    shown = office.materialized[0].metadata
    assert (shown["resources_gone_in_the_cloud"].value, shown["resources_changed_in_the_cloud"].value) == (2, 1)


def test_each_check_is_published_once_oldest_first(office: Office) -> None:
    first, second = office.night(1), office.night(2)
    assert office.publish() == [first.id, second.id]
    assert office.publish() == []
    third = office.night(3)
    assert office.publish() == [third.id]
    assert [each.metadata["report"].value for each in office.materialized] == [
        f"/reports/{of.id}/report.html" for of in (first, second, third)
    ]


def test_a_part_of_the_fleet_a_preview_and_what_is_not_ended_are_not_published(office: Office) -> None:
    office.night(1, {"network/c1-prod": "drifted"}, about="1 of 2")
    office.night(2, kind="preview")
    begin(office.store, check("20261205T020000Z-aaaaaa"))
    stopped = begin(office.store, check("20261206T020000Z-aaaaaa"))
    office.store.end(stopped.id, CheckState.STOPPED)
    add(office.store, check("20261207T020000Z-aaaaaa"))  # its report is not written yet
    office.publish()
    assert office.materialized == office.told() == []
    office.store.end_report("20261207T020000Z-aaaaaa", None, {})
    assert office.publish() == ["20261207T020000Z-aaaaaa"]


def test_people_are_told_only_where_something_is_not_as_it_was(office: Office) -> None:
    office.night(1)
    office.publish()
    assert office.told() == []  # everything is in sync
    changed = office.night(2, {"network/c1-prod": "drifted"})
    office.publish()
    (said,) = office.told()
    assert (said.title, said.severity, said.kind) == ("Drift: 1 cell not in sync", "warning", "drift")
    assert list(said.lines) == ["new: network/c1-prod"]
    assert said.counts == {"in-sync": 3, "drifted": 1}
    assert said.links["report"] == f"https://dagster.example.com/reports/{changed.id}/report.html"
    office.night(3, {"network/c1-prod": "drifted"})
    office.publish()
    assert office.told() == []
    office.night(4)
    office.publish()
    (mended,) = office.told()
    assert (mended.title, mended.severity, list(mended.lines)) == ("Drift: everything is in sync", "info", ["gone: network/c1-prod"])


def test_the_first_check_tells_what_it_finds_and_an_error_is_one(office: Office) -> None:
    office.night(1, {"network/c1-prod": "error"})
    office.publish()
    (said,) = office.told()
    assert (said.severity, list(said.lines)) == ("error", ["new: network/c1-prod"])
