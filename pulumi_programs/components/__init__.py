"""Reusable parts of the programs: ComponentResources, typed configuration, and the outputs of other stacks."""
