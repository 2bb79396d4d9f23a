"""Names of tables, columns and subjects for people, in Danish and English, from `labels.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.lib.yaml_text import parse_yaml


@dataclass(frozen=True)
class Labels:
    """The texts of `labels.yml`; a table or column that it doesn't name is called by its own name."""

    content: dict[str, Any]

    def table(self, name: str, language: str) -> str:
        """What a table is called."""
        return str(self.content["tables"].get(name, {}).get(language, name))

    def column(self, name: str, language: str) -> str:
        """What a column is called."""
        return str(self.content["columns"].get(name, {}).get(language, name))

    def subject_of(self, table: str) -> str:
        """The subject whose workbook holds the table."""
        return str(self.content["tables"].get(table, {}).get("subject", "lists"))

    def subject(self, name: str, language: str) -> str:
        """What a subject is called."""
        return str(self.content["subjects"][name][language])

    def sample(self, language: str) -> str:
        """What a release of sample deliveries says about itself."""
        return str(self.content["sample"][language])

    def notes(self, language: str, rows: int) -> list[str]:
        """Notes that every workbook carries."""
        return [str(note).format(rows=rows) for note in self.content["notes"][language]]


@cache
def labels() -> Labels:
    """The labels, read once."""
    text = (Path(__file__).parent / "labels.yml").read_text("utf-8")
    return Labels(parse_yaml(text))
