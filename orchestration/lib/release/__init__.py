"""Writing a release: a read-only copy of the public tables that is made once and never changed."""
