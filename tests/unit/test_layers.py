"""The layer gate: the project keeps to it, and every rule of it is shown a project that breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.lib import layers
from orchestration.lib.layers import HISTORY, findings, numbers_in, reaches_of, read_project, selected_columns, texts_in
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
    "a code in SQL": (
        {MART: ("counts.talk_count < limits.value", "counts.talk_count < limits.value and counts.month <> '7'")},
        "numbers",
        "fct_talks",
        "holds the text '7'",
    ),
    "a rule's day in SQL": (
        {MART: ("counts.talk_count < limits.value", "counts.month < date '2020-01-01'")},
        "numbers",
        "fct_talks",
        "holds the text '2020-01-01'",
    ),
    "a rule in a macro": (
        {"macros/monthly/prepare.sql": ("from build.model_months", "from build.model_months where months > 4")},
        "numbers",
        "macros/monthly/prepare.sql",
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


STAGED = "models/staging/stg_extracts__conversations.sql"
POPULATION = "models/intermediate/talks/int_talks__population.sql"
SHARES = "models/intermediate/talks/int_talks__shares.sql"
MONTHLY = {
    STAGED: "select month, person_key from {{ source('raw', 'conversations') }}\n",
    POPULATION: """
{% set months_back = 3 %}
{{ config(materialized='monthly', inputs={'conversations': [-months_back, 0]}) }}

with held as (
    select month, person_key
    from {{ ref('stg_extracts__conversations') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
)

select month, person_key
from held
""",
    SHARES: """
{{ config(materialized='monthly', inputs={'conversations': [-3, 0]}) }}

with population as (
    select month from {{ ref('int_talks__population') }} where month between {{ batch_from() }} and {{ batch_to() }}
    union all
    select month from {{ ref('int_talks__seen') }} where month between {{ batch_from() }} and {{ batch_to() }}
)

select month
from population
""",
    "models/intermediate/talks/int_talks__seen.sql": "select month from {{ ref('int_talks__population') }}\n",
}

UNCOVERED = {
    "a raw table further back than declared": (
        POPULATION,
        ("[-months_back, 0]", "[-2, 0]"),
        "int_talks__population",
        "conversations of month -3 to +0 through stg_extracts__conversations, and declares month -2 to +0",
    ),
    "a monthly model that reads further back than its reader declares": (
        SHARES,
        ("[-3, 0]", "[-2, 0]"),
        "int_talks__shares",
        "conversations of month -3 to +0 through int_talks__population, and declares month -2 to +0",
    ),
    "the same through a view": (
        SHARES,
        ("[-3, 0]", "[-2, 0]"),
        "int_talks__shares",
        "conversations of month -3 to +0 through int_talks__seen, and declares month -2 to +0",
    ),
    "a month back of a model that reads three itself": (
        SHARES,
        ("between {{ batch_from() }} and", "between {{ batch_from() }} - interval 1 month and"),
        "int_talks__shares",
        "conversations of month -4 to +0 through int_talks__population, and declares month -3 to +0",
    ),
    "a month ahead": (
        POPULATION,
        ("and {{ batch_to() }}", "and ({{ batch_to() }} + interval '2 months')::date"),
        "int_talks__population",
        "conversations of month -3 to +2 through stg_extracts__conversations, and declares month -3 to +0",
    ),
    "no first month": (
        POPULATION,
        ("month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and", "month <="),
        "int_talks__population",
        "conversations of its history to +0 through stg_extracts__conversations, and declares month -3 to +0",
    ),
    "no last month": (
        POPULATION,
        (" and {{ batch_to() }}", " and now()"),
        "int_talks__population",
        "conversations of month -3 to +inf through stg_extracts__conversations, and declares month -3 to +0",
    ),
    "a data set that is not declared": (
        POPULATION,
        ("'conversations'", "'active_offers'"),
        "int_talks__population",
        "conversations of month -3 to +0 through stg_extracts__conversations, and declares nothing of it",
    ),
    "what its own month before says, which rests on the one before that": (
        POPULATION,
        (
            "from held\n",
            "from held\nunion all\nselect month, person_key\nfrom {{ this }}\n"
            "where month = ({{ batch_from() }} - interval 1 month)::date\n",
        ),
        "int_talks__population",
        "conversations of month -4 to -1 through own_table, and declares month -3 to +0",
    ),
}


def _uncovered(project: Path) -> list[str]:
    return [f"{found.place}: {found.message}" for found in findings(read_project(project)) if found.rule == "inputs"]


def test_a_monthly_model_that_declares_what_it_reads_is_in_order(tmp_path: Path) -> None:
    assert _uncovered(write(tmp_path, {}, MONTHLY)) == []
    history = {POPULATION: ("[-months_back, 0]", "'history'"), SHARES: ("[-3, 0]", "['history', 0]")}
    assert _uncovered(write(tmp_path, history, MONTHLY)) == []


@pytest.mark.parametrize("name", UNCOVERED)
def test_a_monthly_model_that_reads_more_than_it_declares_is_found(tmp_path: Path, name: str) -> None:
    file, change, place, message = UNCOVERED[name]
    assert f"{place}: reads {message}" in _uncovered(write(tmp_path, {file: change}, MONTHLY))


def test_a_reach_that_sql_takes_from_a_rule_is_stated_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write(tmp_path, {POPULATION: (" and {{ batch_to() }}", " and (select max(month) from rule)")}, MONTHLY)
    pair = ("int_talks__population", "stg_extracts__conversations")
    monkeypatch.setattr(layers, "REACH_EXCEPTIONS", {pair: ((-3, 0), "a rule")})
    assert _uncovered(project) == []
    monkeypatch.setattr(layers, "REACH_EXCEPTIONS", {pair: ((-4, 0), "a rule")})
    assert "month -4 to +0" in _uncovered(project)[0]
    monkeypatch.setattr(layers, "REACH_EXCEPTIONS", {("int_talks__shares", "limits"): ((0, 0), "once it did")})
    assert "int_talks__shares: no longer reads limits: remove the exception" in _uncovered(project)


@pytest.mark.parametrize(
    ("file", "text", "is_read"),
    [
        ("models/staging/a.sql", "select 1 as x from b where code = 'few_talks'", True),
        ("macros/a.sql", "{% macro a() %} 'few_talks' {% endmacro %}", True),
        ("contracts/a.odcs.yaml", "    value: {file: x.csv, parameter: few_talks}", True),
        ("orchestration/lib/a.py", 'A = "few_talks"', True),
        ("orchestration/lib/a.py", "few_talks = 4", False),
        ("orchestration/lib/explanation.py", 'A = "few_talks"', False),
        ("orchestration/expectations/a.py", 'A = "few_talks"', False),
        ("macros/a.sql", "{% macro a() %} 'few_talks_minimum' {% endmacro %}", False),
    ],
)
def test_a_parameter_that_nothing_reads_is_found(tmp_path: Path, file: str, text: str, is_read: bool) -> None:
    seed = "parameter_code,value\nfew_talks,4\n"
    project = write(tmp_path, {}, {file: text, "seeds/rules/rule_parameters.csv": seed})
    found = [finding.place for finding in findings(read_project(project)) if finding.rule == "parameters"]
    assert found == ([] if is_read else ["few_talks"])


def test_texts_of_digits_and_days_are_told_from_words_patterns_and_intervals() -> None:
    sql = "select 'few 4', '0151', date '2020-01-01', interval '3 months', '\\d{4}', '%.2f' -- '8'\nfrom a"
    assert texts_in(sql) == ["0151", "2020-01-01"]


GUARD = PROJECT_ROOT / "tests" / "data" / "rules_stay_within_the_reach_of_monthly_models.sql"


def test_the_guard_of_the_rules_knows_how_far_the_models_read() -> None:
    """The dbt test that holds the rules to the models' windows names the windows that they have.

    A spell of n completed months begins up to n + 1 months back, and a deadline of n months after its spell's start
    lies in a month up to n months later, its last day at the most one more. 730 days are the shortest two years.
    """
    guard = GUARD.read_text("utf-8")
    models = read_project(PROJECT_ROOT).models
    reaches = {
        code: (float(largest), model) for code, largest, model in re.findall(r"\('(\w+)', \d+, (\d+), '(\w+)'\)", guard)
    }

    def months_back(name: str) -> float:
        return -min(
            first for ref in models[name].refs for first, _ in reaches_of(models[name].text, ref) if first > HISTORY
        )

    assert reaches == {
        "spell_gap_days": (27, "int_benefit_segments"),
        "activity_window_months": (months_back("int_focus_goals__population") + 1, "int_focus_goals__population"),
        "early_effort_completed_months": (
            months_back("int_early_effort__population") - 1,
            "int_early_effort__population",
        ),
        "first_offer_months": (
            months_back("int_offer_effort__six_months_population") - 1,
            "int_offer_effort__six_months_population",
        ),
        "retention_months": (
            models["int_results__ended_spells"].config["inputs"]["ordinary_hours"][1],
            "int_results__ended_spells",
        ),
    }
    largest_window = months_back("int_conversation_coverage__population")
    assert f"{largest_window:.0f} as largest,\n    'int_conversation_coverage__population' as read_by" in guard
    assert f"where to_months > {largest_window:.0f}\n" in guard
    (largest_deadline,) = {
        months_back(name) - 1
        for name in (
            "int_conversation_obligations__due",
            "int_conversation_obligations__evidence",
            "int_benefit_spells__ended",
        )
    }
    limit = f"case offset_unit when 'month' then {largest_deadline:.0f} else {365 * largest_deadline / 12:.0f} end"
    assert guard.count(limit) == 2
