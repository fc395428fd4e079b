"""Dagster's run queue with the deployment cap of our settings."""

from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator, RunQueueConfig

from infra_assets import settings


class FleetRunCoordinator(QueuedRunCoordinator):
    """A queued run coordinator whose limit is `INFRA_CAP`, which dagster.yaml cannot default by itself."""

    def get_run_queue_config(self) -> RunQueueConfig:
        """Return the queue's limits."""
        return super().get_run_queue_config()._replace(max_concurrent_runs=settings.load().cap)
