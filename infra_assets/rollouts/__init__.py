"""Rollouts: stored plans, asked from Dagster run by run, watched to the end."""
