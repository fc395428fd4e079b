"""What Dagster sees: the whole of it, loaded as the code server loads it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from infra_assets.definitions import catalogue, defs
from infra_assets.errors import UsageError
from infra_assets.orchestration.assets import build_assets
from infra_assets.orchestration.checking import nightly_schedule
from infra_assets.stacks.projects import Catalogue, Problem


def test_everything_loads() -> None:
    dg.Definitions.validate_loadable(defs)


def test_each_project_is_an_asset_with_all_that_its_pulumi_yaml_says() -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert {name: sorted(dep.asset_key.to_user_string() for dep in spec.deps) for name, spec in specs.items()} == {
        "account": [],
        "network": ["account"],
        "cluster": ["account", "network"],
        "rollouts": [],
        "fleet_report": [],
    }
    for project in catalogue.projects:
        spec = specs[project.name]
        assert spec.group_name == project.about.group
        assert spec.owners == list(project.about.owners) == ["team:platform"]
        assert spec.kinds == set(project.about.kinds)
        assert spec.code_version == project.tree_hash[:16]
        assert spec.description == project.description != ""
        assert isinstance(spec.partitions_def, dg.DynamicPartitionsDefinition)
        assert spec.partitions_def.name == "tep"


def test_there_is_one_job_for_a_rollout_that_runs_its_steps_in_one_process() -> None:
    job = defs.resolve_job_def("rollout")
    assert job.executor_def.name == "in_process"
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {"account", "network", "cluster"}


def test_each_project_can_be_looked_at_for_drift_and_the_job_of_it_deploys_nothing() -> None:
    job = defs.resolve_job_def("drift")
    assert set(job.graph.node_dict) == {"account_in_sync", "network_in_sync", "cluster_in_sync"}
    assert job.asset_layer.executable_asset_keys == set()
    assert job.tags["infra/operation"] == "drift"


def test_the_report_of_the_fleet_is_an_asset_whose_page_leads_to_the_matrix() -> None:
    spec = next(spec for spec in defs.resolve_all_asset_specs() if spec.key == dg.AssetKey("fleet_report"))
    assert spec.group_name == "reports"
    assert "(/reports/latest)" in (spec.description or "")


@pytest.mark.parametrize("name", ["fleet", "rollouts", "checks", "notifications"])
def test_the_sensors_run_by_default(name: str) -> None:
    assert defs.resolve_sensor_def(name).default_status == dg.DefaultSensorStatus.RUNNING


def test_drift_is_looked_for_every_night_by_default() -> None:
    schedule = defs.resolve_schedule_def("nightly_drift")
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == ("0 2 * * *", "UTC", "drift")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    from infra_assets import settings

    def change(name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        settings.load.cache_clear()

    yield change
    settings.load.cache_clear()


def test_the_night_may_be_another_or_none(setting: Callable[[str, str], None]) -> None:
    setting("INFRA_DRIFT_ZONE", "Europe/Berlin")
    (schedule,) = nightly_schedule(defs.resolve_job_def("drift"))
    assert schedule.execution_timezone == "Europe/Berlin"
    setting("INFRA_DRIFT_CRON", "")
    assert nightly_schedule(defs.resolve_job_def("drift")) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("INFRA_DRIFT_CRON", "every night", "INFRA_DRIFT_CRON: 'every night' is no cron schedule"),
        ("INFRA_DRIFT_CRON", "61 2 * * *", "INFRA_DRIFT_CRON: '61 2 * * *' is no cron schedule"),
        ("INFRA_DRIFT_ZONE", "Berlin", "INFRA_DRIFT_ZONE: 'Berlin' is no time zone"),
        ("INFRA_DRIFT_ZONE", "../etc/passwd", "INFRA_DRIFT_ZONE: '../etc/passwd' is no time zone"),
        ("INFRA_DRIFT_ZONE", "", "INFRA_DRIFT_ZONE: '' is no time zone"),
        ("INFRA_DRIFT_ZONE", "Europe", "INFRA_DRIFT_ZONE: 'Europe' is no time zone"),
    ],
)
def test_a_night_that_is_none_is_refused_with_the_settings_name(
    setting: Callable[[str, str], None], name: str, value: str, said: str
) -> None:
    setting(name, value)
    with pytest.raises(UsageError) as refused:
        nightly_schedule(defs.resolve_job_def("drift"))
    assert refused.value.message == said
    assert "Such as" in refused.value.remedy


def test_a_project_that_cannot_be_loaded_is_shown_and_says_why() -> None:
    shown = build_assets(Catalogue([], [Problem("my-lost", "my-lost/Pulumi.yaml: depends on nowhere")]))
    assert isinstance(shown[0], dg.AssetSpec)
    assert shown[0].key == dg.AssetKey("my_lost")
    assert "my-lost/Pulumi.yaml: depends on nowhere" in (shown[0].description or "")


@pytest.mark.parametrize(("cap", "expected"), [("25", 25), ("0", 0)])
def test_the_queue_has_our_cap_and_one_run_a_tep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cap: str, expected: int) -> None:
    from infra_assets import settings

    root = Path(__file__).parents[2]
    (tmp_path / "dagster.yaml").write_text((root / "dagster_home/dagster.yaml").read_text())
    monkeypatch.setenv("INFRA_CAP", cap)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    settings.load.cache_clear()
    try:
        with dg.DagsterInstance.get() as instance:
            limits = instance.get_concurrency_config().run_queue_config
            assert limits is not None
            assert limits.max_concurrent_runs == expected
            assert limits.tag_concurrency_limits == [
                {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1},
                {"key": "infra/share", "value": "checks", "limit": max(1, expected // 2)},
            ]
            assert instance.run_monitoring_max_resume_run_attempts == 0
            assert not instance.run_retries_enabled
    finally:
        settings.load.cache_clear()
