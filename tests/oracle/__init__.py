"""An independent, slow and obvious recomputation of every measure: days and dictionaries, no SQL.

Written from the specification alone; the rule tables are typed in again here (``rules.py``) and never read from the
project's seeds, so that a mistake in a seed or a model shows as a difference.
"""
