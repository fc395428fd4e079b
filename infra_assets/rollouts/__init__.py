"""Rollouts: what is to be deployed and why, asked from Dagster run by run, watched to the end."""
