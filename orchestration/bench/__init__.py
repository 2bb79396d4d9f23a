"""The benchmark behind `make bench`: the pipeline against a floor, plain SQL and other tools. Knows no Dagster."""
