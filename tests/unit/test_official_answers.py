"""Reading published tables: what a v3 answer must be, and the older v2 shapes turned into it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.official.answers import (
    Answer,
    merge_answers,
    read_answer,
    read_v2_csv,
    read_v2_json,
)
from orchestration.lib.official.http import BadAnswer, KeyRefused

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
needs_real_figures = pytest.mark.skipif(not REAL.is_dir(), reason="the real figures (../shared/real) are not here")


def test_figures_keep_the_digits_they_were_published_with() -> None:
    answer = read_answer('{"columns": ["Periode", "Antal"], "rows": [["2026M07", 9.10], ["2026M06", null]]}', "t")
    assert answer.rows == (("2026M07", Decimal("9.10")), ("2026M06", None))
    assert b"9.10" in answer.to_json()
    assert read_answer(answer.to_json(), "t") == answer


def test_digest_ignores_the_order_of_rows_and_the_writing_of_a_number_but_no_figure() -> None:
    one = read_answer('{"columns": ["P", "N"], "rows": [["a", 1], ["b", 2.50]]}', "t")
    same = read_answer('{"rows": [["b", 2.5], ["a", 1.0]], "columns": ["P", "N"]}', "t")
    other = read_answer('{"columns": ["P", "N"], "rows": [["a", 1], ["b", 2.51]]}', "t")
    hidden = read_answer('{"columns": ["P", "N"], "rows": [["a", 1], ["b", null]]}', "t")
    assert one.digest() == same.digest()
    assert len({one.digest(), other.digest(), hidden.digest()}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>", "is not JSON"),
        ('{"columns": ["P"]}', "no columns and rows"),
        ('{"columns": [], "rows": []}', "columns is not a list of labels"),
        ('{"columns": ["P", "P"], "rows": []}', "occurs twice"),
        ('{"columns": ["P"], "rows": {}}', "rows is not a list"),
        ('{"columns": ["P", "N"], "rows": [["a", 1], ["b"]]}', "row 2 does not have 2 cells"),
        ('{"columns": ["P", "N"], "rows": [["a", [1]]]}', "row 1, column N"),
        ('{"columns": ["P", "N"], "rows": [["a", true]]}', "row 1, column N"),
        ('{"columns": ["P", "N"], "rows": [["a", NaN]]}', "NaN is not a number"),
    ],
)
def test_anything_but_a_table_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(BadAnswer, match=message):
        read_answer(text, "y30r21")


def test_the_text_about_the_key_is_not_taken_for_data() -> None:
    text = "Forkert nøgle eller nøglen er udløbet."
    for read in (read_answer, read_v2_csv, read_v2_json):
        with pytest.raises(KeyRefused):
            read(text.encode(), "y30r21")


def test_merging_leaves_out_rows_that_were_there_and_refuses_other_columns() -> None:
    first = Answer(("P", "O", "N"), (("1", "a", 1), ("1", "b", 2)))
    total = Answer(("P", "O", "N"), (("1", "b", 2), ("1", "Hele landet", 3)))
    assert merge_answers([first, total], 2, "t").rows == (("1", "a", 1), ("1", "b", 2), ("1", "Hele landet", 3))
    with pytest.raises(BadAnswer, match="columns differ"):
        merge_answers([first, Answer(("P", "O", "M"), ())], 2, "t")


def test_v2_csv_becomes_a_v3_answer() -> None:
    text = (
        "\ufeffArea;Periode;Ydelsesgrupper;Faktisk antal;Faktisk andel (pct.)\r\n"
        "Aarhus;2021QMAT04;A-dagpenge mv.;7130;3,41\r\n"
        "Ærø;2023Q1;A-dagpenge mv.;-;..\r\n"
    )
    answer = read_v2_csv(text.encode(), "old.csv")
    assert answer.columns == ("Periode", "Område", "Ydelsesgrupper", "Faktisk antal", "Faktisk andel (pct.)")
    assert answer.rows == (
        ("2021QMAT04", "Aarhus", "A-dagpenge mv.", 7130, Decimal("3.41")),
        ("2023Q01", "Ærø", "A-dagpenge mv.", None, None),
    )
    assert read_answer(answer.to_json(), "old") == answer


def test_v2_json_becomes_the_same_answer() -> None:
    document = [
        {
            "Variables": [{"Name": "area", "Label": "Area"}, {"Name": "p", "Label": "Periode"}, {"Label": "Andel"}],
            "Data": [["Aarhus", "2021QMAT04", "-0,06"], ["Ærø", "2021QMAT04", None]],
        }
    ]
    answer = read_v2_json(json.dumps(document), "old.json")
    assert answer.columns == ("Periode", "Område", "Andel")
    assert answer.rows == (("2021QMAT04", "Aarhus", Decimal("-0.06")), ("2021QMAT04", "Ærø", None))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("Area;Periode;N\n", "has no rows"),
        ("Area;N\nx;1\n", "must have one column Periode"),
        ("Area;Periode;N\nx;2021M01\n", "row 1 has 2 cells"),
        ("Area;Periode;N\nx;2021M01;1\nx;2021M02;1.234\n", "row 2, column N: is not a number"),
        ("Area;Periode;D\nx;2021M01;a\n", "has no column of numbers"),
    ],
)
def test_a_v2_file_that_can_not_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadAnswer, match=message):
        read_v2_csv(text, "old.csv")


def test_a_v2_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(BadAnswer, match="not UTF-8"):
        read_v2_csv("Area;Periode;N\nÆrø;2021M01;1\n".encode("cp1252"), "old.csv")


@needs_real_figures
def test_all_recorded_answers_parse() -> None:
    recorded = json.loads((REAL / "jobindsats_v3_answers.json").read_text(encoding="utf-8"))
    assert len(recorded["results"]) == 13
    for name, document in recorded["results"].items():
        answer = read_answer(json.dumps(document), name)
        assert answer.columns[0] == "Periode"
        assert len(answer.rows) == len(document["rows"])


@needs_real_figures
def test_the_real_benchmark_table_survives_the_way_through_v2() -> None:
    answer = read_answer((REAL / "jobindsats_y30r21.json").read_bytes(), "y30r21")
    lines = [";".join(["Area", "Periode", *answer.columns[2:]])]
    for period, area, *cells in answer.rows:
        texts = [
            "" if cell is None else str(cell).replace(".", ",") if not isinstance(cell, str) else cell for cell in cells
        ]
        lines.append(";".join([str(area), str(period), *texts]))
    assert read_v2_csv("\n".join(lines), "y30r21.csv").digest() == answer.digest()
