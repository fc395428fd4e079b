"""Pulumi: projects, workspaces, up, preview, refresh, destroy, outcomes, and the ledger of what was done."""
