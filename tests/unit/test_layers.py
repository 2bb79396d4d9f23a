"""The layer gate: the project keeps to it, and every rule of it is shown a project that breaks it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from orchestration.lib import layers
from orchestration.lib.layers import findings, numbers_in, read_project, selected_columns
from orchestration.lib.settings import PROJECT_ROOT

GOOD = {
    "dbt_project.yml": "name: small\nmodels:\n  small:\n    marts:\n      +contract: {enforced: true}\n",
    "seeds/limits.csv": "limit_code,value\nfew,4\n",
    "seeds/_seeds.yml": """
seeds:
  - name: limits
    description: One row per limit.
    columns:
      - {name: limit_code, description: The limit.}
      - {name: value, description: Its value.}
""",
    "models/staging/stg_extracts__talks.sql": "select month, person_key from {{ source('raw', 'talks') }}\n",
    "models/intermediate/talks/int_talks__counts.sql": """
with talks as (select month, person_key from {{ ref('stg_extracts__talks') }})

select
    month,
    count(*) as talk_count
from talks
group by month
""",
    "models/marts/measures/fct_talks.sql": """
with counts as (select month, talk_count from {{ ref('int_talks__counts') }}),

limits as (select value from {{ ref('limits') }})

select
    counts.month,
    counts.talk_count,
    counts.talk_count < limits.value as is_few
from counts
cross join limits
""",
    "models/_models.yml": """
models:
  - name: stg_extracts__talks
    description: One row per talk. Its key is that of raw.talks, which the loader keeps.
    columns:
      - {name: month, description: The month.}
      - {name: person_key, description: The person.}
  - name: int_talks__counts
    description: One row per month.
    data_tests:
      - unique_combination: {arguments: {columns: [month]}}
    columns:
      - {name: month, description: The month.}
      - {name: talk_count, description: Talks.}
  - name: fct_talks
    description: One row per month. Its key follows from int_talks__counts.
    columns:
      - {name: month, data_type: date, description: The month.}
      - {name: talk_count, data_type: bigint, description: Talks.}
      - {name: is_few, data_type: boolean, description: Whether they are few.}
""",
    "macros/monthly/prepare.sql": "{% macro prepare() %} create table x as from build.model_months {% endmacro %}",
}


def write(folder: Path, changes: dict[str, tuple[str, str]], more: dict[str, str] | None = None) -> Path:
    """The good project with one text put for another in some files, and more files."""
    for name, text in {**GOOD, **(more or {})}.items():
        old, new = changes.get(name, ("", ""))
        assert old in text, f"{name} has no {old!r}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text, "utf-8")
    return folder


def test_the_project_keeps_to_the_layers() -> None:
    assert [str(finding) for finding in findings(read_project(PROJECT_ROOT))] == []


def test_a_good_small_project_has_no_findings(tmp_path: Path) -> None:
    assert findings(read_project(write(tmp_path, {}))) == []


MODELS = "models/_models.yml"
MART = "models/marts/measures/fct_talks.sql"
COUNTS = "models/intermediate/talks/int_talks__counts.sql"
STAGING = "models/staging/stg_extracts__talks.sql"

BROKEN = {
    "a mart reads a source": (
        {MART: ("{{ ref('limits') }}", "{{ source('raw', 'limits') }}")},
        "layers",
        "fct_talks",
        "reads limits (source)",
    ),
    "a mart reads staging": (
        {
            MART: (
                "select month, talk_count from {{ ref('int_talks__counts') }}",
                "from {{ ref('stg_extracts__talks') }}",
            )
        },
        "layers",
        "fct_talks",
        "reads stg_extracts__talks (staging)",
    ),
    "staging reads a seed": (
        {STAGING: ("{{ source('raw', 'talks') }}", "{{ source('raw', 'talks') }} cross join {{ ref('limits') }}")},
        "layers",
        "stg_extracts__talks",
        "reads limits (seed)",
    ),
    "intermediate reads a mart": (
        {COUNTS: ("ref('stg_extracts__talks')", "ref('fct_talks')")},
        "layers",
        "int_talks__counts",
        "reads fct_talks (marts/measures)",
    ),
    "a ref inside a loop is seen": (
        {
            COUNTS: (
                "from {{ ref('stg_extracts__talks') }}",
                "from {% for name in ['fct_talks'] %}{{ ref(name) }}{% endfor %}",
            )
        },
        "layers",
        "int_talks__counts",
        "reads fct_talks",
    ),
    "a model reads what is not there": (
        {COUNTS: ("ref('stg_extracts__talks')", "ref('stg_extracts__walks')")},
        "layers",
        "int_talks__counts",
        "neither a model nor a seed",
    ),
    "a description says something else": (
        {MODELS: ("One row per month.\n    data_tests", "Counts of talks.\n    data_tests")},
        "described",
        "int_talks__counts",
        "One row per",
    ),
    "a model without an entry": (
        {MODELS: ("- name: int_talks__counts", "- name: int_talks__sums")},
        "described",
        "int_talks__counts",
        "no entry",
    ),
    "an entry without a model": (
        {MODELS: ("- name: int_talks__counts", "- name: int_talks__sums")},
        "described",
        "int_talks__sums",
        "no such model",
    ),
    "no key test": (
        {MODELS: ("unique_combination", "expression_is_true")},
        "key",
        "int_talks__counts",
        "no key test",
    ),
    "a key that follows from nothing": (
        {MODELS: ("Its key follows from int_talks__counts.", "Its key follows from elsewhere.")},
        "key",
        "fct_talks",
        "no key test",
    ),
    "a column without a word": (
        {MODELS: ("{name: talk_count, description: Talks.}", "{name: talk_count}")},
        "columns",
        "int_talks__counts",
        "talk_count has no description",
    ),
    "a column not documented": (
        {COUNTS: ("count(*) as talk_count", "count(*) as talk_count,\n    max(month) as newest")},
        "columns",
        "int_talks__counts",
        "newest is not documented",
    ),
    "a column documented that is not there": (
        {COUNTS: (",\n    count(*) as talk_count", "")},
        "columns",
        "int_talks__counts",
        "talk_count is documented, but not selected",
    ),
    "a star in the last select": (
        {COUNTS: ("    month,\n    count(*) as talk_count", "    *")},
        "columns",
        "int_talks__counts",
        "does not name its columns",
    ),
    "contracts switched off for the marts": (
        {"dbt_project.yml": ("enforced: true", "enforced: false")},
        "contract",
        "dbt_project.yml",
        "do not enforce",
    ),
    "a contract switched off for a model": (
        {
            MODELS: (
                "- name: fct_talks\n",
                "- name: fct_talks\n    config: {contract: {enforced: false}}\n",
            )
        },
        "contract",
        "fct_talks",
        "switches its contract off",
    ),
    "a column of a mart without a type": (
        {MODELS: ("{name: is_few, data_type: boolean,", "{name: is_few,")},
        "contract",
        "fct_talks",
        "is_few has no data_type",
    ),
    "a seed's column not documented": (
        {"seeds/limits.csv": ("limit_code,value", "limit_code,value,note")},
        "seeds",
        "limits",
        "column note is not documented",
    ),
    "a seed's column that is not in the file": (
        {"seeds/limits.csv": ("limit_code,value", "limit_code")},
        "seeds",
        "limits",
        "column value is documented, but not in the file",
    ),
    "a seed that says something else": (
        {"seeds/_seeds.yml": ("One row per limit.", "Limits.")},
        "seeds",
        "limits",
        "One row per",
    ),
    "a seed without an entry": (
        {"seeds/_seeds.yml": ("name: limits", "name: bounds")},
        "seeds",
        "limits",
        "no entry",
    ),
    "a seed's entry without a file": (
        {"seeds/_seeds.yml": ("name: limits", "name: bounds")},
        "seeds",
        "bounds",
        "no such file",
    ),
    "a table named outright": (
        {COUNTS: ("from talks\n", "from raw.talks\n")},
        "tables",
        "int_talks__counts",
        "raw.talks outright",
    ),
    "a macro names a table that it may not": (
        {"macros/monthly/prepare.sql": ("build.model_months", "marts.fct_talks")},
        "tables",
        "macros/monthly/prepare.sql",
        "marts.fct_talks outright",
    ),
    "a rule in SQL": (
        {MART: ("counts.talk_count < limits.value", "counts.talk_count < 4")},
        "numbers",
        "fct_talks",
        "holds the number 4",
    ),
    "a rule in an interval": (
        {MART: ("counts.talk_count < limits.value", "counts.month < counts.month + interval '9 months'")},
        "numbers",
        "fct_talks",
        "holds the number 9",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_breach_is_found(tmp_path: Path, name: str) -> None:
    changes, rule, place, message = BROKEN[name]
    found = findings(read_project(write(tmp_path, changes)))
    assert [
        finding for finding in found if (finding.rule, finding.place) == (rule, place) and message in finding.message
    ], [str(finding) for finding in found]


def test_a_model_outside_the_layers_is_found(tmp_path: Path) -> None:
    project = write(tmp_path, {}, {"models/reports/rpt_talks.sql": "select month from {{ ref('fct_talks') }}\n"})
    assert "models/reports, which is no layer" in " ".join(map(str, findings(read_project(project))))


def test_a_macro_outside_the_materialization_may_name_no_table(tmp_path: Path) -> None:
    project = write(tmp_path, {}, {"macros/other.sql": "{% macro other() %} from build.model_months {% endmacro %}"})
    assert [finding.place for finding in findings(read_project(project))] == ["macros/other.sql"]


def test_an_exception_that_nothing_needs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "READ_EXCEPTIONS", {("fct_talks", "stg_extracts__talks"): "once it did"})
    monkeypatch.setattr(layers, "NUMBER_EXCEPTIONS", {"fct_talks": {"4": "once it did"}})
    found = findings(read_project(write(tmp_path, {})))
    assert {finding.rule for finding in found} == {"layers", "numbers"}
    assert all("remove the exception" in finding.message for finding in found)


def test_an_exception_allows_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "NUMBER_EXCEPTIONS", {"fct_talks": {"4": "a code"}})
    monkeypatch.setattr(layers, "READ_EXCEPTIONS", {("stg_extracts__talks", "limits"): "labels"})
    changes = {
        MART: ("limits.value", "4"),
        STAGING: ("{{ source('raw', 'talks') }}", "{{ source('raw', 'talks') }} cross join {{ ref('limits') }}"),
    }
    assert findings(read_project(write(tmp_path, changes))) == []


def test_a_model_that_can_not_be_rendered_names_its_file(tmp_path: Path) -> None:
    project = write(tmp_path, {COUNTS: ("{{ ref('stg_extracts__talks') }}", "{{ ref('stg_extracts__talks') ")})
    with pytest.raises(ValueError, match=r"int_talks__counts\.sql"):
        read_project(project)


def test_the_columns_of_the_last_select_are_told() -> None:
    sql = "with a as (from t) select distinct a.x, round(a.y, 1)::double as z, case when b then c end as w from a"
    assert selected_columns(sql) == ["x", "z", "w"]
    assert selected_columns("select x from a union all select y as x from b") == ["x"]
    assert selected_columns("select a.* from a") is None
    assert selected_columns("select x + 1 from a") is None


def test_numbers_of_types_texts_positions_and_comments_are_no_rules() -> None:
    sql = "select x::decimal(18, 6), '45' as t, -- 7\n y_16_66 from a where z > 2.5 group by 3, 4 /* 8 */"
    assert numbers_in(sql) == ["2.5"]


def rows(seed: str) -> list[dict[str, str]]:
    with (PROJECT_ROOT / "seeds" / "rules" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_no_rule_looks_further_back_than_the_models_read() -> None:
    """The exceptions called "how far back to read" are none while this holds; a longer rule must change the model."""
    assert max(int(row["to_months"]) for row in rows("rule_conversation_windows")) <= 24
    deadlines = rows("rule_conversation_deadlines")
    assert {row["offset_unit"] for row in deadlines} == {"day", "month"}
    assert max(int(row["offset_value"]) for row in deadlines if row["offset_unit"] == "month") <= 24
    assert max(int(row["offset_value"]) for row in deadlines if row["offset_unit"] == "day") <= 24 * 30
    values: dict[str, list[float]] = {}
    for row in rows("rule_parameters"):
        values.setdefault(row["parameter_code"], []).append(float(row["value"]))
    assert max(values["retention_months"]) <= 3
    assert max(values["first_offer_months"]) < 12
    assert max(values["early_effort_completed_months"]) < 12
    assert set(values["activity_window_months"]) == set(values["year_change_months"]) == {12}
