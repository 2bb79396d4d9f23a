"""Texts in both languages, Danish numbers, the alphabet, and what the site needs to be built and served."""

from __future__ import annotations

import csv
import datetime as dt
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from orchestration.commands import serve
from orchestration.lib.operations import revisions
from orchestration.lib.periods import first_day, period_months
from orchestration.lib.release.labels import labels
from orchestration.site import build as site_build
from orchestration.site.charts import CATEGORY_FILLS, FIFTHS, short_names, tiles
from orchestration.site.pages import revisions as revisions_page
from orchestration.site.words import Words, alphabetical, texts

PROJECT = Path(__file__).resolve().parents[2]


def test_every_text_stands_in_both_languages_with_the_same_values() -> None:
    import string

    for key, value in texts().items():
        assert set(value) == {"da", "en"} and all(value.values()), key
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in value.values()]
        assert fields[0] == fields[1], key


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("2024QMAT02", dt.date(2023, 7, 1), dt.date(2024, 6, 1)),
        ("2024QMAT04", dt.date(2024, 1, 1), dt.date(2024, 12, 1)),
        ("2025QMAT01", dt.date(2024, 4, 1), dt.date(2025, 3, 1)),
    ],
)
def test_a_rolling_year_is_twelve_months(code: str, first: dt.date, last: dt.date) -> None:
    months = [first_day(number) for number in period_months(code)]
    assert (months[0], months[-1], len(set(months))) == (first, last, 12)


def test_no_two_tiles_bear_the_same_name() -> None:
    with (PROJECT / "seeds" / "reference" / "municipalities.csv").open(encoding="utf-8", newline="") as lines:
        names = {
            row["municipality_code"]: row["municipality_name"]
            for row in csv.DictReader(lines)
            if row["municipality_code"] in tiles()
        }
    short = short_names(names)
    assert len(set(short.values())) == len(names) == 98 and max(map(len, short.values())) <= 6
    assert (short["0101"], short["0147"], short["0813"], short["0153"]) == ("Køben", "F.berg", "F.havn", "B.ndby")


def test_numbers_and_dates() -> None:
    da, en = Words("da"), Words("en")
    assert (da.number(1234.5, 1), en.number(1234.5, 1)) == ("1.234,5", "1,234.5")
    assert (da.number(-0.31, 2, signed=True), da.number(0.31, 2, signed=True)) == ("−0,31", "+0,31")
    assert da.number(-0.001, 1) == "0,0" and da.number(None) == "–" and da.number(float("nan")) == "–"
    assert (da.measured(0.1234, "share"), en.measured(0.1234, "share")) == ("12,3 pct.", "12.3%")
    assert (da.month(dt.date(2024, 3, 1)), en.day(dt.date(2024, 3, 1))) == ("marts 2024", "1 March 2024")


def test_the_danish_alphabet() -> None:
    names = ["Aalborg", "Ærø", "Odense", "Aarhus", "Århus", "Øster", "Vejle", "Albertslund"]
    assert sorted(names, key=alphabetical) == [
        "Albertslund",
        "Odense",
        "Vejle",
        "Ærø",
        "Øster",
        "Aalborg",
        "Aarhus",
        "Århus",
    ]


def test_every_municipality_has_a_tile_of_its_own() -> None:
    codes = {
        line.split(",")[0]
        for line in (PROJECT / "seeds/reference/municipalities.csv").read_text("utf-8").splitlines()[1:]
    }
    assert set(tiles()) == codes and len(set(tiles().values())) == 98


def test_colours_of_tiles_have_enough_contrast() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for fill, ink in (*FIFTHS, *CATEGORY_FILLS.values()):
        light, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, fill


def test_a_site_needs_a_release(tmp_path: Path) -> None:
    with pytest.raises(site_build.SiteError, match=r"holds no release\.duckdb"):
        site_build.build_site(tmp_path, tmp_path / "site")


def test_the_server_shows_the_current_release_and_nothing_beside_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "site").mkdir(parents=True)
        (tmp_path / name / "site" / "index.html").write_text(name, "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (tmp_path / "two" / "way_out").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "current").symlink_to("one")
    with serve.server(tmp_path, 0) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{running.server_port}"
        try:
            assert urlopen(address + "/").read() == b"one"
            (tmp_path / "next").symlink_to("two")
            (tmp_path / "next").replace(tmp_path / "current")
            assert urlopen(address + "/site/index.html").read() == b"two"
            for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/way_out", "/site/"):
                with pytest.raises(HTTPError) as error:
                    urlopen(address + path + ("x" if path == "/site/" else ""))
                assert error.value.code == 404, path
                page = error.value.read().decode()
                assert "Siden findes ikke" in page and "There is no such page" in page
            # Whoever asks without wanting the page is told the same as whoever wants it.
            assert urlopen(Request(address + "/", method="HEAD")).status == 200
        finally:
            running.shutdown()
            thread.join()


def test_every_released_table_and_column_has_a_label_in_both_languages() -> None:
    models = [
        model
        for path in sorted((PROJECT / "models" / "marts").rglob("*.yml"))
        for model in (yaml.safe_load(path.read_text("utf-8")).get("models") or [])
        if model["name"].startswith(("dim_", "rpt_"))
    ]
    assert len(models) > 20
    named = labels().content
    missing = [model["name"] for model in models if set(named["tables"].get(model["name"], {})) < {"da", "en"}]
    missing += [
        f"{model['name']}.{column['name']}"
        for model in models
        for column in model["columns"]
        if not {"da", "en"} <= set(named["columns"].get(column["name"], {}))
    ]
    # Written by the release itself.
    missing += [
        name for name in revisions.COLUMN_DESCRIPTIONS if not {"da", "en"} <= set(named["columns"].get(name, {}))
    ]
    assert missing == []


def test_the_fields_of_the_scatter_are_called_as_in_the_seed() -> None:
    with (PROJECT / "seeds" / "reference" / "quadrants.csv").open(encoding="utf-8", newline="") as lines:
        names = {row["quadrant_code"]: {"da": row["label_da"], "en": row["label_en"]} for row in csv.DictReader(lines)}
    assert len(names) == 4 and {code: texts()[code] for code in names} == names


def test_every_rule_has_a_name_in_both_languages() -> None:
    with (PROJECT / "seeds" / "rules" / "rule_parameters.csv").open(encoding="utf-8", newline="") as lines:
        codes = {row["parameter_code"] for row in csv.DictReader(lines)}
    model = (PROJECT / "models" / "marts" / "core" / "dim_rules.sql").read_text("utf-8")
    codes |= set(re.findall(r"'(\w+)' as rule_code", model))
    assert len(codes) > 40
    assert sorted(code for code in codes if f"rule_{code}" not in texts()) == []


def test_revised_figures_are_written_as_the_language_writes_numbers() -> None:
    for text, danish in (
        ("163.14285714285714", "163,1429"), ("5.0", "5"), ("-1234", "−1.234"), ("0.25", "0,25"), ("0846", "0846"),
        ("model", "model"), ("2024-05-01", "2024-05-01"), (None, "–"),
    ):  # fmt: skip
        assert revisions_page._written(SimpleNamespace(w=Words("da")), text) == danish
