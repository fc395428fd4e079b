"""The control plane of a fleet of Pulumi stacks, on Dagster."""
