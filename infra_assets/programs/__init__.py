"""The programs' repository: fetched into a mirror of our own, and checked out commit by commit."""
