"""Orchestration of the warehouse: Dagster definitions, the pure library below them, checks, sample data, commands."""
