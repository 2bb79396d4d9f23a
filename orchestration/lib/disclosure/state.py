"""One staged table in memory: keys, figures as numbers, and what is hidden of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from orchestration.lib.disclosure.declarations import Declaration

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Key:
    """A column of keys: each row's number in `labels`, which keeps the strings few."""

    codes: npt.NDArray[np.int64]
    labels: npt.NDArray[np.str_]

    @staticmethod
    def of(values: Sequence[str] | npt.NDArray[np.str_]) -> Key:
        """Number the given texts."""
        labels, codes = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
        return Key(codes.astype(np.int64), labels)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Key:
        return Key(self.codes[rows], self.labels)

    def text(self) -> npt.NDArray[np.str_]:
        """The key of every row as text."""
        return self.labels[self.codes] if len(self.labels) else np.asarray([], dtype=np.str_)

    def equals(self, *wanted: str) -> Mask:
        """Rows whose key is one of the given."""
        return (
            np.asarray(np.isin(self.labels, wanted)[self.codes], dtype=np.bool_) if len(self) else np.zeros(0, np.bool_)
        )

    def mapped(self, change: Callable[[str], str]) -> Key:
        """The same rows with every label changed."""
        labels, codes = np.unique(
            np.asarray([change(str(label)) for label in self.labels], dtype=np.str_), return_inverse=True
        )
        return Key(codes.astype(np.int64)[self.codes], labels)

    def positions_in(self, order: Sequence[str] | npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
        """Place of each row's label in `order`, -1 where it is not there."""
        places = {str(label): i for i, label in enumerate(order)}
        found = np.asarray([places.get(str(label), -1) for label in self.labels], dtype=np.int64)
        return found[self.codes] if len(self) else np.zeros(0, dtype=np.int64)


@dataclass
class TableState:
    """A staged table in its row order.

    keys: key columns as text. figures: the figures as numbers, NaN = null. primary: what the rule itself hides.
    hidden: all that is hidden. known: cells that an earlier release showed with the same value; hidden_before: cells
    that it hid. extra: columns that are no keys but lead to other tables' rows.
    """

    declaration: Declaration
    relation: str
    columns: dict[str, str]
    keys: dict[str, Key]
    figures: dict[str, npt.NDArray[np.float64]]
    primary: dict[str, Mask] = field(default_factory=dict)
    hidden: dict[str, Mask] = field(default_factory=dict)
    known: dict[str, Mask] = field(default_factory=dict)
    hidden_before: dict[str, Mask] = field(default_factory=dict)
    extra: dict[str, Key] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Rows of the table."""
        return len(next(iter(self.keys.values())))

    def hide(self, column: str, mask: Mask) -> None:
        """Hide `column` where `mask` holds."""
        if column in self.hidden:
            self.hidden[column] |= mask

    def hide_row(self, mask: Mask) -> None:
        """Hide every figure of the rows where `mask` holds."""
        for column in self.hidden:
            self.hidden[column] |= mask


def small(values: npt.NDArray[np.float64], maximum: int) -> Mask:
    """Counts of 1 .. maximum; anything between 0 and 1 counts as small too."""
    return np.asarray((values > 1e-9) & (values <= maximum + 1e-9), dtype=np.bool_)
