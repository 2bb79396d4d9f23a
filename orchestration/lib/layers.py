"""The layer gate: what every model and seed of the dbt project must keep to, read from its files in about a second.

Models are rendered with stand-ins for dbt's functions, so that loops and macros are seen as they are; nothing is parsed
by dbt and no database is opened. Every exception stands in a list below with its reason, and an exception that nothing
needs any more is a finding too.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml

from orchestration.lib.yaml_text import parse_yaml

HISTORY = -math.inf
Reach = tuple[float, float]
"""First and last month that a month depends on, counted from it; HISTORY = from the first."""

LAYERS = ("staging", "intermediate", "marts")
OPENING = "One row per"
# A dated row without gap or overlap is the only one of its key and first day.
KEY_TESTS = ("unique_combination", "unique_in_built_months", "unique", "rule_without_gaps_or_overlaps")

READS: Mapping[str, tuple[str, ...]] = {
    "staging": ("source",),
    "intermediate": ("staging", "intermediate", "seed"),
    "marts/core": ("intermediate", "marts/core", "seed"),
    "marts/measures": ("intermediate", "marts/core", "marts/measures", "seed"),
    "marts/release": ("intermediate", "marts/core", "marts/measures", "marts/release", "seed"),
}
"""What the models of a folder may read."""

READ_EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("stg_jobindsats__y30r21", "jobindsats_measures"): "columns of a published table are known by their labels only",
    ("stg_jobindsats__y30r21", "municipality_aliases"): "areas of a published table are known by their names only",
    ("stg_jobindsats__y30r21", "benefit_areas"): "benefit areas of a published table are known by their labels only",
}
"""(model, what it reads although its layer may not) -> why."""

ALLOWED_NUMBERS: Mapping[str, str] = {"0": "nothing", "1": "one"}

_TEST_HOLDS = "how far back to read; the test rules_stay_within_the_reach_of_monthly_models holds the rules to it"
_CATEGORY = "a code of municipality_category"
_PER_CENT = {"100": "per cent"}
NUMBER_EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "dim_rules": {"0": "digits that a number does not need"},
    "fct_benefit_recipients": _PER_CENT,
    "int_benefit_level__actuals": _PER_CENT,
    "int_benefit_level__levels": _PER_CENT,
    "int_benefit_level__model_status": dict.fromkeys(("2", "3", "4", "5", "6", "7"), "order of the kinds"),
    "int_benefit_level__periods": {
        "6": "June, the last month of the second quarter",
        "12": "December, the last month of the fourth quarter and of the year",
    },
    "int_benefit_spells__ended": {"25": _TEST_HOLDS},
    "int_category__decisions": dict.fromkeys(("2", "3", "4"), _CATEGORY),
    "int_category__focus_shares": _PER_CENT,
    "int_conversation_coverage__population": {"24": _TEST_HOLDS},
    "int_conversation_obligations__due": {"25": _TEST_HOLDS},
    "int_conversation_obligations__evidence": {"25": _TEST_HOLDS},
    "int_early_effort__population": {"12": _TEST_HOLDS},
    "int_focus_goals__population": {"11": _TEST_HOLDS},
    "int_follow_up__comparisons": _PER_CENT,
    "int_months": {"12": "months of a year"},
    "int_offer_effort__six_months_population": {"12": _TEST_HOLDS},
    "int_rank_uncertainty__shares": _PER_CENT,
    "int_results__presence_counts": {
        "11": "the months of a year before its last one",
        "12": "months of a year: so many and more",
    },
    "rpt_area_measure_results": _PER_CENT,
}
"""Model -> number, or text that is one, that looks like a rule -> why it is none."""

MACRO_NUMBER_EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "macros/completed_months.sql": {"12": "months of a year"},
    "macros/monthly/batch.sql": dict.fromkeys(("0001-01-01", "9999-01-01"), "days that select nothing"),
    "macros/published/published_period.sql": {
        "2": "a quarter's first month is the second before its last",
        "3": "months of a quarter",
        "12": "December",
        "31": "the last day of December",
    },
    "macros/rules/persons_to_flip.sql": {"100": "per cent", "9": "1e-9, the noise of the arithmetic"},
    "macros/rules/reason_number.sql": {
        "2": "decimals that a reader is shown",
        "0.0": "turns a zero below nothing into zero",
    },
}
"""Macro's file -> the same. What stands between Jinja's braces and tags is no SQL and not looked at."""

ALLOWED_TEXTS: Mapping[str, str] = {"0000": "the whole country"}
"""Texts of digits that stand for no rule -> what they are."""

REACH_EXCEPTIONS: Mapping[tuple[str, str], tuple[Reach, str]] = {
    ("int_results__ended_spells", name): ((0, 3), f"the month retention_months later; {_TEST_HOLDS}")
    for name in ("int_stock", "stg_extracts__ordinary_hours")
}
"""(monthly model, what it reads) -> the months that it reads there, where its SQL takes them from a rule, and why."""

PARAMETERS = "seeds/rules/rule_parameters.csv"
READERS_OF_PARAMETERS = (
    ("models", "*.sql"),
    ("macros", "*.sql"),
    ("contracts", "*.yaml"),
    ("orchestration/lib", "*.py"),
)
"""Where a scalar rule may be read. Checks and what only shows a rule are no readers: rules that they alone name decide
nothing."""
ONLY_SHOW_PARAMETERS = ("orchestration/lib/explanation.py", "orchestration/lib/layers.py")

TABLE_EXCEPTIONS: Mapping[str, str] = {
    "raw.current_batches": "the monthly materialization compares what stands in raw now",
    "build.model_months": "its own table of the months built",
    "build.project": "what the pipeline says about the project being built",
}
"""Tables that macros may name outright -> why. Models may name none."""

MONTHLY_DATASETS = frozenset({"benefit_periods", "conversations", "active_offers", "ordinary_hours"})
"""Sources whose rows belong to a month, of which monthly models declare what they read."""
THIS, BATCH_FROM, BATCH_TO = "own_table", "batch_from_month", "batch_to_month"
"""What stands in rendered SQL for the model's own table and for the first and last month being built."""

MACRO_FOLDER_OF_TABLES = "macros/monthly"


@dataclass(frozen=True, order=True)
class Finding:
    """One breach: the rule's name, the model or file, and what is wrong."""

    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} ({self.rule})"


@dataclass
class Model:
    """A model's file, what it reads, and its properties from the YAML beside it (None: it has none)."""

    name: str
    folder: str
    text: str
    is_sql: bool
    refs: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    properties: dict[str, Any] | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """staging, intermediate or marts."""
        return self.folder.split("/")[0]

    @property
    def room(self) -> str:
        """The layer; for marts with the folder inside: marts/core, marts/measures or marts/release."""
        return "/".join(self.folder.split("/")[:2]) if self.layer == "marts" else self.layer

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The columns as documented."""
        return list((self.properties or {}).get("columns") or [])


@dataclass
class Project:
    """The files of a dbt project."""

    root: Path
    models: dict[str, Model]
    seeds: dict[str, Path]
    seed_properties: dict[str, dict[str, Any]]
    model_properties: dict[str, dict[str, Any]]
    settings: dict[str, Any]


class _StandIn(jinja2.Undefined):
    """Whatever only dbt knows: callable, indexable, printed as a name that SQL can hold."""

    def __call__(self, *_: Any, **__: Any) -> str:  # type: ignore[override]
        return "x"

    def __getattr__(self, name: str) -> _StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __str__(self) -> str:
        return "x"


def read_project(root: Path) -> Project:
    """Read the project in `root`. Raises ValueError naming the file when a model or YAML can't be read."""
    settings = _yaml(root / "dbt_project.yml")
    models = {}
    for path in sorted((root / "models").rglob("*")):
        if path.suffix in (".sql", ".py") and path.is_file():
            model = _read_model(root, path)
            models[model.name] = model
    seeds = {path.stem: path for path in sorted((root / "seeds").rglob("*.csv"))}
    model_properties: dict[str, dict[str, Any]] = {}
    seed_properties: dict[str, dict[str, Any]] = {}
    for folder, key, found in (("models", "models", model_properties), ("seeds", "seeds", seed_properties)):
        for path in sorted((root / folder).rglob("*.yml")):
            for entry in _yaml(path).get(key) or []:
                found[entry["name"]] = entry
    for name, model in models.items():
        model.properties = model_properties.get(name)
    return Project(root, models, seeds, seed_properties, model_properties, settings)


def findings(project: Project) -> list[Finding]:
    """Every breach of the rules, in order of rule and place; empty when the project keeps to them."""
    rules = (
        _reads_its_layers,
        _is_described,
        _has_a_key,
        _documents_its_columns,
        _contracts_are_enforced,
        _seeds_are_described,
        _names_no_table,
        _holds_no_rule,
        _macros_hold_no_rule,
        _parameters_are_read,
        _inputs_cover_what_is_read,
    )
    return sorted(finding for rule in rules for finding in rule(project))


# ---- the rules ----


def _reads_its_layers(project: Project) -> Iterator[Finding]:
    used: set[tuple[str, str]] = set()
    for model in project.models.values():
        allowed = READS.get(model.room)
        if allowed is None:
            yield Finding("layers", model.name, f"stands in models/{model.folder}, which is no layer")
            continue
        reads = [(name, "source") for name in model.sources] + [(name, _room_of(project, name)) for name in model.refs]
        for name, room in reads:
            if (model.name, name) in READ_EXCEPTIONS:
                used.add((model.name, name))
            elif room is None:
                yield Finding("layers", model.name, f"reads {name}, which is neither a model nor a seed")
            elif room not in allowed:
                yield Finding("layers", model.name, f"reads {name} ({room}); {model.room} reads {', '.join(allowed)}")
    for pair in READ_EXCEPTIONS:
        if pair[0] in project.models and pair not in used:
            yield Finding("layers", pair[0], f"no longer reads {pair[1]}: remove the exception")


def _is_described(project: Project) -> Iterator[Finding]:
    for model in project.models.values():
        if model.properties is None:
            yield Finding("described", model.name, "has no entry in a YAML beside it")
        elif not _words(model.properties).startswith(OPENING):
            yield Finding("described", model.name, f"its description does not begin with '{OPENING} …'")
    for name in project.model_properties:
        if name not in project.models:
            yield Finding("described", name, "is described, but there is no such model")


def _has_a_key(project: Project) -> Iterator[Finding]:
    for model in project.models.values():
        tests = list((model.properties or {}).get("data_tests") or [])
        for column in model.columns:
            tests += column.get("data_tests") or []
        if any(_test_name(test) in KEY_TESTS for test in tests):
            continue
        sentence = re.search(r"\b[Ii]ts key (?:(?!\. ).)*", _words(model.properties or {}))
        named = re.findall(r"\b\w+\b", sentence.group()) if sentence else []
        if not any((name in project.models and name != model.name) or name in model.sources for name in named):
            yield Finding(
                "key",
                model.name,
                f"has no key test ({', '.join(KEY_TESTS)}) and no sentence 'Its key …' naming what it follows from",
            )


def _documents_its_columns(project: Project) -> Iterator[Finding]:
    for model in project.models.values():
        documented = [str(column["name"]) for column in model.columns]
        for column in model.columns:
            if not _words(column):
                yield Finding("columns", model.name, f"column {column['name']} has no description")
        if not model.is_sql:
            if not documented:
                yield Finding("columns", model.name, "documents no column")
            continue
        selected = selected_columns(model.text)
        if selected is None:
            yield Finding("columns", model.name, "its last select does not name its columns one by one")
            continue
        for name in selected:
            if name not in documented:
                yield Finding("columns", model.name, f"column {name} is not documented")
        for name in documented:
            if name not in selected:
                yield Finding("columns", model.name, f"column {name} is documented, but not selected")


def _contracts_are_enforced(project: Project) -> Iterator[Finding]:
    settings = project.settings.get("models", {}).get(project.settings.get("name"), {}).get("marts", {})
    if settings.get("+contract") != {"enforced": True}:
        yield Finding("contract", "dbt_project.yml", "marts do not enforce their contracts")
    for model in project.models.values():
        if model.layer != "marts":
            continue
        own = ((model.properties or {}).get("config") or {}).get("contract", {"enforced": True})
        if own != {"enforced": True}:
            yield Finding("contract", model.name, "switches its contract off")
        for column in model.columns:
            if not column.get("data_type"):
                yield Finding("contract", model.name, f"column {column['name']} has no data_type")


def _seeds_are_described(project: Project) -> Iterator[Finding]:
    for name, path in project.seeds.items():
        properties = project.seed_properties.get(name)
        if properties is None:
            yield Finding("seeds", name, "has no entry in a YAML beside it")
            continue
        if not _words(properties).startswith(OPENING):
            yield Finding("seeds", name, f"its description does not begin with '{OPENING} …'")
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        texts = {str(column["name"]): _words(column) for column in properties.get("columns") or []}
        for column in header:
            if not texts.get(column):
                yield Finding("seeds", name, f"column {column} is not documented")
        for column in texts:
            if column not in header:
                yield Finding("seeds", name, f"column {column} is documented, but not in the file")
    for name in project.seed_properties:
        if name not in project.seeds:
            yield Finding("seeds", name, "is described, but there is no such file")


def _names_no_table(project: Project) -> Iterator[Finding]:
    for model in project.models.values():
        if model.is_sql:
            for table in _tables_named(_code(model.text)):
                yield Finding("tables", model.name, f"names the table {table} outright: use ref or source")
    folder = project.root / "macros"
    for path in sorted(folder.rglob("*.sql")):
        place = path.relative_to(project.root).as_posix()
        for table in _tables_named(_code(re.sub(r"\{\{.*?\}\}", "x", path.read_text("utf-8"), flags=re.DOTALL))):
            if not (place.startswith(MACRO_FOLDER_OF_TABLES) and table in TABLE_EXCEPTIONS):
                yield Finding("tables", place, f"names the table {table} outright")


def _holds_no_rule(project: Project) -> Iterator[Finding]:
    for model in project.models.values():
        if not model.is_sql:
            continue
        yield from _numbers(model.name, model.text, NUMBER_EXCEPTIONS.get(model.name, {}))


def _macros_hold_no_rule(project: Project) -> Iterator[Finding]:
    for path in sorted((project.root / "macros").rglob("*.sql")):
        place = path.relative_to(project.root).as_posix()
        sql = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", path.read_text("utf-8"), flags=re.DOTALL)
        sql = re.sub(r"\{\{.*?\}\}", "x", sql, flags=re.DOTALL)
        yield from _numbers(place, sql, MACRO_NUMBER_EXCEPTIONS.get(place, {}))


def _numbers(place: str, sql: str, exceptions: Mapping[str, str]) -> Iterator[Finding]:
    numbers, texts = set(numbers_in(sql)) - set(ALLOWED_NUMBERS), set(texts_in(sql)) - set(ALLOWED_TEXTS)
    for number in sorted(numbers - set(exceptions)):
        yield Finding("numbers", place, f"holds the number {number}: a rule belongs in a dated seed")
    for text in sorted(texts - set(exceptions)):
        yield Finding("numbers", place, f"holds the text '{text}': a code or day of a rule belongs in a dated seed")
    for exception in sorted(set(exceptions) - numbers - texts):
        yield Finding("numbers", place, f"no longer holds {exception}: remove the exception")


def _parameters_are_read(project: Project) -> Iterator[Finding]:
    path = project.root / PARAMETERS
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as file:
        codes = sorted({row["parameter_code"] for row in csv.DictReader(file)})
    texts = [
        reader.read_text("utf-8")
        for folder, pattern in READERS_OF_PARAMETERS
        for reader in sorted((project.root / folder).rglob(pattern))
        if reader.relative_to(project.root).as_posix() not in ONLY_SHOW_PARAMETERS
    ]
    for code in codes:
        named = re.compile(rf"""['"]{code}['"]|\bparameter: {code}\b""")
        if not any(named.search(text) for text in texts):
            yield Finding("parameters", code, f"is a row of {PARAMETERS} that nothing reads: read it or delete it")


def _inputs_cover_what_is_read(project: Project) -> Iterator[Finding]:
    used: set[tuple[str, str]] = set()
    for model in project.models.values():
        if not _is_monthly(model):
            continue
        declared = _declared(model)
        for name in sorted({*model.refs, THIS}):
            needed = declared if name == THIS else _needed(project, name)
            if not needed:
                continue
            if (model.name, name) in REACH_EXCEPTIONS:
                used.add((model.name, name))
                reaches = [REACH_EXCEPTIONS[model.name, name][0]]
            else:
                reaches = reaches_of(model.text, name)
            for back, ahead in reaches:
                for dataset, (first, last) in sorted(needed.items()):
                    own_first, own_last = declared.get(dataset, (math.inf, -math.inf))
                    if first + back < own_first or last + ahead > own_last:
                        yield Finding(
                            "inputs",
                            model.name,
                            f"reads {dataset} of {_months(first + back, last + ahead)} through {name}, and declares "
                            f"{_months(own_first, own_last)}",
                        )
    for pair in REACH_EXCEPTIONS:
        if pair[0] in project.models and pair not in used:
            yield Finding("inputs", pair[0], f"no longer reads {pair[1]}: remove the exception")


def _is_monthly(model: Model) -> bool:
    return model.config.get("materialized") == "monthly"


def _declared(model: Model) -> dict[str, Reach]:
    declared: dict[str, Reach] = {}
    for dataset, window in model.config.get("inputs", {}).items():
        first, last = ("history", 0) if window == "history" else window
        declared[dataset] = (HISTORY if first == "history" else float(first), float(last))
    return declared


def _needed(project: Project, name: str) -> dict[str, Reach]:
    """Per data set the months that a month of the model depends on; nothing for seeds and what knows no months."""
    model = project.models.get(name)
    if model is None:
        return {}
    if _is_monthly(model):
        return _declared(model)
    needed: dict[str, Reach] = dict.fromkeys(model.sources & MONTHLY_DATASETS, (0.0, 0.0))
    for below in model.refs:
        for dataset, (first, last) in _needed(project, below).items():
            known = needed.get(dataset, (first, last))
            needed[dataset] = (min(known[0], first), max(known[1], last))
    return needed


def _months(first: float, last: float) -> str:
    if first > last:
        return "nothing of it"
    return f"{'its history' if first == HISTORY else f'month {first:+.0f}'} to {last:+.0f}"


# ---- reading SQL ----


def selected_columns(sql: str) -> list[str] | None:
    """The names that the last select of rendered SQL returns; None when one of them can't be told (a star)."""
    code = _code(sql)
    depths = _depths(code)
    starts = [match.end() for match in re.finditer(r"\bselect\b", code) if depths[match.start()] == 0]
    if not starts:
        return None
    start = starts[-1]
    ends = [m.start() for m in re.finditer(r"\bfrom\b", code) if m.start() > start and depths[m.start()] == 0]
    listed = code[start : ends[0] if ends else len(code)]
    names: list[str] = []
    for part in _split(re.sub(r"^\s*distinct\b", "", listed)):
        match = re.search(r'\bas\s+"?(\w+)"?$', part) or re.search(r'^(?:\w+\.)?"?([A-Za-z_]\w*)"?$', part)
        if match is None:
            return None
        names.append(match.group(1))
    return names


def reaches_of(sql: str, name: str) -> list[Reach]:
    """The months that rendered SQL reads of the table `name`, counted from the months being built, one per place.

    Told from how the select around it speaks of the batch: `BATCH_FROM - interval n months` is n months back,
    `BATCH_TO + interval n months` n ahead; one that names no first month reads the history, no last one all that come.
    """
    code = _code(_plain_intervals(sql))
    depths = _depths(code)
    reaches: list[Reach] = []
    for match in re.finditer(rf"\b(?:from|join)\s+{name}\b", code):
        depth, place = depths[match.start()], match.start()
        start = max((p for p in range(place) if depths[p] < depth), default=-1) + 1
        end = next((p for p in range(place, len(code)) if depths[p] < depth), len(code))
        select = _part_around(code, depths, start, end, place)
        back = [int(number) for number in re.findall(rf"{BATCH_FROM}\s*-\s*interval (\d+) month", select)]
        ahead = [int(number) for number in re.findall(rf"{BATCH_TO}\s*\+\s*interval (\d+) month", select)]
        is_of_one_month = re.search(rf"\bmonth = \(?{BATCH_FROM}", select) is not None
        first = 0.0 - max(back, default=0) if BATCH_FROM in select else HISTORY
        last = float(max(ahead, default=0)) if BATCH_TO in select or is_of_one_month else math.inf
        reaches.append((first, first if is_of_one_month and BATCH_TO not in select else last))
    return reaches


def numbers_in(sql: str) -> list[str]:
    """The numbers of rendered SQL that could be rules: not those of types, of positions in a grouping, or in texts."""
    code = _plain_intervals(sql)
    code = re.sub(r"'[^']*'", "''", code)
    code = re.sub(r"\b(?:decimal|numeric|varchar)\s*\(\s*\d+\s*(?:,\s*\d+\s*)?\)", "type", code)
    code = re.sub(r"\b(?:group|order)\s+by\s+\d+(?:\s*,\s*\d+)*", "by", code)
    return re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)", code)


def texts_in(sql: str) -> list[str]:
    """The texts of rendered SQL that are numbers or days, and so could be a rule's, without formats and patterns."""
    return re.findall(r"'(\d[\d.-]*)'", re.sub(r"\binterval\s+'[^']*'", "", _without_comments(sql)))


def _plain_intervals(sql: str) -> str:
    return re.sub(r"\binterval\s+'(\d+)\s*([^']*)'", r"interval \1 \2", _without_comments(sql))


def _part_around(code: str, depths: list[int], start: int, end: int, place: int) -> str:
    """The part of a query between the `union`s of its own depth that holds `place`."""
    depth = depths[place]
    unions = [start + found.start() for found in re.finditer(r"\bunion\b", code[start:end])]
    unions = [union for union in unions if depths[union] == depth]
    first = max((union for union in unions if union < place), default=start)
    return code[first : min((union for union in unions if union > place), default=end)]


def _tables_named(code: str) -> list[str]:
    return re.findall(r"(?<!distinct )\b(?:from|join|into|update)\s+([a-z_]\w*\.[a-z_]\w*)", code)


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", "", sql, flags=re.DOTALL)


def _code(sql: str) -> str:
    return re.sub(r"'[^']*'", "''", _without_comments(sql))


def _depths(code: str) -> list[int]:
    depth, depths = 0, []
    for letter in code:
        depth -= letter in ")]"
        depths.append(depth)
        depth += letter in "(["
    return depths


def _split(listed: str) -> list[str]:
    parts, start = [], 0
    depths = _depths(listed)
    for place, letter in enumerate(listed):
        if letter == "," and depths[place] == 0:
            parts.append(listed[start:place].strip())
            start = place + 1
    return [part for part in (*parts, listed[start:].strip()) if part]


# ---- reading files ----


def _read_model(root: Path, path: Path) -> Model:
    folder = path.parent.relative_to(root / "models").as_posix()
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        refs = set(re.findall(r"""dbt\.ref\(\s*["'](\w+)""", text))
        sources = set(re.findall(r"""dbt\.source\(\s*["']\w+["'],\s*["'](\w+)""", text))
        return Model(path.stem, folder, text, False, refs, sources)
    refs, sources = set(), set()

    def ref(name: str) -> str:
        refs.add(name)
        return name

    def source(_: str, name: str) -> str:
        sources.add(name)
        return name

    settings: dict[str, Any] = {}

    def config(**given: Any) -> str:
        settings.update(given)
        return ""

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=_StandIn)
    try:
        rendered = environment.from_string(text).render(
            ref=ref,
            source=source,
            config=config,
            this=THIS,
            batch_from=lambda: BATCH_FROM,
            batch_to=lambda: BATCH_TO,
        )
    except jinja2.TemplateError as error:
        raise ValueError(f"{path.relative_to(root)}: can't be rendered: {error}") from error
    return Model(path.stem, folder, rendered, True, refs, sources, config=settings)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = parse_yaml(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: {error}") from error
    return content or {}


def _words(properties: Mapping[str, Any]) -> str:
    return " ".join(str(properties.get("description") or "").split())


def _test_name(test: Any) -> str:
    return str(next(iter(test))) if isinstance(test, dict) else str(test)


def _room_of(project: Project, name: str) -> str | None:
    if name in project.models:
        return project.models[name].room
    return "seed" if name in project.seeds else None
