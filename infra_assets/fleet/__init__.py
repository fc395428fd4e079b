"""Tenants as data: who they are, which AWS account is theirs, and what they set for themselves."""
