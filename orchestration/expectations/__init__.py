"""Great Expectations: the suites of every layer, the runner that pushes them down to DuckDB, and their results.

Here belongs: what must hold of the rows of a layer, how it is checked, where the outcome is kept and shown.
Not here: keys and uniqueness (dbt tests), types (dbt contracts), Dagster objects (``orchestration/defs/quality``).

Great Expectations takes seconds to import, so only ``runner`` and ``data_docs`` import it, inside their functions, and
the processes that ``workers`` starts; the suites are plain data that anyone may list without it.
"""
