"""Executing runs: one, or many in worker processes."""
