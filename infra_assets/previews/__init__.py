"""What would change and what has drifted: proposals, checks of cells, verdicts."""
