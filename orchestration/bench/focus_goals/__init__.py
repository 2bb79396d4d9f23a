"""The focus goals from the accepted raw rows with the tools that a user would pick instead: same files, same rules.

Each module `with_<tool>` is a program, `python -m orchestration.bench.focus_goals.with_<tool> INPUTS RESULT.parquet`,
that prints a JSON line. Reading the files counts, importing the tool doesn't.
"""
