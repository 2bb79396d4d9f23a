"""The layer gate: what every model and seed of the dbt project must keep to, read from its files in about a second.

Models are rendered with stand-ins for dbt's functions, so that loops and macros are seen as they are; nothing is parsed
by dbt and no database is opened. Every exception stands in a list below with its reason, and an exception that nothing
needs any more is a finding too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml

from orchestration.lib.yaml_text import parse_yaml

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

ALLOWED_NUMBERS: Mapping[str, str] = {
    "0": "nothing",
    "1": "one",
    "11": "the months before this one in a window of twelve",
    "12": "months of a year",
    "100": "per cent",
}

_TEST_HOLDS = "how far back to read; a test of the seeds holds the rules to it"
_CATEGORY = "a code of municipality_category"
NUMBER_EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "fct_supervision": {"4": _CATEGORY},
    "int_benefit_level__model_status": dict.fromkeys(("2", "3", "4", "5", "6", "7"), "order of the kinds"),
    "int_benefit_level__periods": {"6": "June, the last month of the second quarter"},
    "int_benefit_spells__ended": {"25": _TEST_HOLDS},
    "int_category__decisions": dict.fromkeys(("2", "3", "4"), _CATEGORY),
    "int_conversation_coverage__population": {"24": _TEST_HOLDS},
    "int_conversation_obligations__due": {"25": _TEST_HOLDS},
    "int_conversation_obligations__evidence": {"25": _TEST_HOLDS},
    "int_supervision__states": {"4": _CATEGORY},
}
"""Model -> number that looks like a rule -> why it is none."""

TABLE_EXCEPTIONS: Mapping[str, str] = {
    "raw.current_batches": "the monthly materialization compares what stands in raw now",
    "build.model_months": "its own table of the months built",
    "build.project": "what the pipeline says about the project being built",
}
"""Tables that macros may name outright -> why. Models may name none."""

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
        exceptions = NUMBER_EXCEPTIONS.get(model.name, {})
        numbers = set(numbers_in(model.text))
        for number in sorted(numbers - set(ALLOWED_NUMBERS) - set(exceptions)):
            yield Finding("numbers", model.name, f"holds the number {number}: a rule belongs in a dated seed")
        for number in sorted(set(exceptions) - numbers):
            yield Finding("numbers", model.name, f"no longer holds {number}: remove the exception")


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


def numbers_in(sql: str) -> list[str]:
    """The numbers of rendered SQL that could be rules: not those of types, of positions in a grouping, or in texts."""
    code = re.sub(r"\binterval\s+'(\d+)[^']*'", r"interval \1", _without_comments(sql))
    code = re.sub(r"'[^']*'", "''", code)
    code = re.sub(r"\b(?:decimal|numeric|varchar)\s*\(\s*\d+\s*(?:,\s*\d+\s*)?\)", "type", code)
    code = re.sub(r"\b(?:group|order)\s+by\s+\d+(?:\s*,\s*\d+)*", "by", code)
    return re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)", code)


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

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=_StandIn)
    try:
        rendered = environment.from_string(text).render(ref=ref, source=source, config=lambda *_, **__: "")
    except jinja2.TemplateError as error:
        raise ValueError(f"{path.relative_to(root)}: can't be rendered: {error}") from error
    return Model(path.stem, folder, rendered, True, refs, sources)


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
