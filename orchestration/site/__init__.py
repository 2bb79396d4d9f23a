"""The static web site of a release: reads the release's own tables and nothing else."""
