"""Configuration as Pulumi ESC environments: the language, where documents come from, and their way to the stacks."""
