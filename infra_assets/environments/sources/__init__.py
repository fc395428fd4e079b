"""Where environments live: folders, commits, our own database, Pulumi Cloud, memory, and one laid over another."""
