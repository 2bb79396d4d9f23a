"""What the Makefile calls: ``python -m orchestration.commands.<name>``."""
