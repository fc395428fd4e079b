"""What Dagster sees: the whole of it, loaded as the code server loads it."""

from pathlib import Path

import dagster as dg
import pytest

from infra_assets.definitions import catalogue, defs
from infra_assets.orchestration.assets import build_assets
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


def test_the_fleet_sensor_runs_by_default() -> None:
    assert defs.resolve_sensor_def("fleet").default_status == dg.DefaultSensorStatus.RUNNING


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
