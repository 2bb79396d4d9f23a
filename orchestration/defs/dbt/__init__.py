"""The dbt project in Dagster.

dagster_dbt imports dbt-core where it finds it: seconds and a hundred megabytes for a few names, in a process that never
runs dbt itself. It also works without (for dbt Fusion, which has no Python), and the whole project, all that is ever
selected here, is then read from the manifest. So dbt-core is out of sight while dagster_dbt is imported, and only then.
"""

import sys

if "dbt" not in sys.modules:
    # Python's own way to say that a module can't be imported.
    sys.modules["dbt"] = None  # type: ignore[assignment]
    try:
        import dagster_dbt  # noqa: F401  # for its decision
    finally:
        del sys.modules["dbt"]
