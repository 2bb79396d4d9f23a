"""What the Makefile calls: ``python -m orchestration.commands.<name>``."""

from orchestration.lib import garbage

# Before a command imports anything.
garbage.search_seldom()
