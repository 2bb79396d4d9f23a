"""Texts, numbers, dates and names in the two languages of the site."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.lib.yaml_text import parse_yaml

LANGUAGES = ("da", "en")
_MONTHS = {
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "en": "January February March April May June July August September October November December",
}
# The Danish alphabet ends with æ, ø, å; aa is sorted as å.
_LATE_LETTERS = {"æ": "\uf001", "ø": "\uf002", "å": "\uf003"}


@cache
def texts() -> dict[str, dict[str, str]]:
    """All texts of the site: key -> language -> text."""
    path = Path(__file__).parent / "texts.yml"
    content = parse_yaml(path.read_text("utf-8"))
    return {str(key): {str(k): str(v) for k, v in value.items()} for key, value in content.items()}


def alphabetical(name: str) -> str:
    """A sort key that puts names in the order of the Danish alphabet."""
    key = name.lower().replace("aa", "å")
    return "".join(_LATE_LETTERS.get(letter, letter) for letter in key)


@dataclass(frozen=True)
class Words:
    """Everything that is written differently in Danish and English."""

    language: str

    def text(self, key: str, **values: Any) -> str:
        """A text of `texts.yml`, with its values filled in."""
        return texts()[key][self.language].format(**values)

    def has(self, key: str) -> bool:
        """True when `texts.yml` has the key."""
        return key in texts()

    def number(self, value: float | int | None, decimals: int = 0, *, signed: bool = False) -> str:
        """A number with the language's separators: 1.234,5 or 1,234.5."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return self.text("undefined")
        written = f"{value:{'+' if signed else ''},.{decimals}f}"
        if re.fullmatch(r"[+-]0(?:[.,]0*)?", written):
            written = written[1:]
        if self.language == "da":
            written = written.replace(",", "\0").replace(".", ",").replace("\0", ".")
        return written.replace("-", "−")

    def measured(self, value: float | None, unit: str) -> str:
        """A measure's value in the unit of dim_measures, with the unit's decimals."""
        if value is None:
            return self.text("undefined")
        if unit == "share":
            return self.percent(100 * value, 1)
        if unit == "percentage":
            return self.percent(value, 2)
        if unit == "percentage_points":
            return self.number(value, 2, signed=True)
        return self.number(value, 1)

    def percent(self, value: float | None, decimals: int = 1) -> str:
        """A percentage with its sign."""
        if value is None:
            return self.text("undefined")
        return f"{self.number(value, decimals)}{' pct.' if self.language == 'da' else '%'}"

    def month(self, value: date | datetime) -> str:
        """januar 2024 / January 2024."""
        return f"{_MONTHS[self.language].split()[value.month - 1]} {value.year}"

    def day(self, value: date | datetime) -> str:
        """31. januar 2024 / 31 January 2024."""
        return f"{value.day}{'.' if self.language == 'da' else ''} {self.month(value)}"

    def choose(self, danish: str, english: str) -> str:
        """One of two texts that come from the tables."""
        return danish if self.language == "da" else english
