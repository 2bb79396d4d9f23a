"""Pure Python: no module here imports dagster."""
