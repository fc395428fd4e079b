"""The `infra` command."""
