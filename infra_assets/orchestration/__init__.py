"""Everything that Dagster runs: assets, jobs, sensors, the queue, the launcher. The only folder that imports dagster."""
