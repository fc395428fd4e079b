"""The partitions: one per TEP."""

import dagster as dg

teps = dg.DynamicPartitionsDefinition(name="tep")
