"""What is wanted against what is deployed: targets, commits, plans and their reasons. Runs nothing."""
