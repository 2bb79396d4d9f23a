"""The reliability page says what the findings say, and findings outlive a run that was cut off."""

from __future__ import annotations

from pathlib import Path

from tests.reliability.run import Book, report


def kill(book: Book, aim: str, hit: str, **fields: object) -> None:
    book.add("kill", **{"aim": aim, "hit_phase": hit, "is_whole_group": True, **fields})


def test_the_page_counts_what_was_found(tmp_path: Path) -> None:
    book = Book(tmp_path)
    kill(book, "pipeline", "build")
    kill(book, "publish", "publish", is_whole_group=False)
    kill(book, "publish", "ended before")
    book.add("folder", kills=3, wrong=["rpt_focus_goals differs"], leaked=2, is_first=True)
    counts = {"statuses": {"rejected": 2}, "codes": {"hash": 2}, "rows": {"rows in files": 5}}
    book.add("defects", tried=2, unequal=1, lost=4, **counts)
    book.add("readers", readers=8, publishes=30, reads=99, errors=1, mixed=0)
    book.add("fault", test="test_a_full_disk", passed=False)
    book.add("fault", test="test_real_figures", passed=None)
    page = report(book, 100)
    for line in (
        "| kills survived | 2 | 100 |",
        "| found wrong after a kill | 1 | 0 |",
        "| kinds of defective deliveries | 2 | 60 |",
        "| lost rows | 4 | 0 |",
        "| readers' errors | 1 | 0 |",
        "| files with an identifier | 2 | 0 |",
        "| tests of faults that fail | 1 of 2 | 0 |",
        "| build | 1 | 0 |",
        "| publish | 0 | 1 |",
        "- rpt_focus_goals differs",
        "- FAILS: test a full disk",
        "- not run here: test real figures",
        "| `hash` | 2 |",
    ):
        assert line in page.splitlines(), line
    assert "Runs that ended before their moment (1) are not counted." in page
    assert "the process alone: 1." in page


def test_a_line_that_was_cut_off_is_tried_again(tmp_path: Path) -> None:
    Book(tmp_path).add("readers", errors=0)
    with (tmp_path / "findings.jsonl").open("a") as file:
        file.write('{"kind": "readers", "err')
    again = Book(tmp_path)
    assert len(again.of("readers")) == 1
    again.add("readers", errors=0)
    assert len(Book(tmp_path).of("readers")) == 2
