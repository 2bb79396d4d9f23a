"""The key that turns a CPR number into a pseudonym, the pseudonym itself, and texts without CPR numbers.

`person_key` = the first 8 bytes, big endian, of HMAC-SHA-256(key, person_id as UTF-8). With the key a number can be
found again; without it 64 bits of a keyed hash say nothing. So the key is never written to the warehouse, only its id.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from orchestration.lib.settings import PRIVATE_FILE_MODE, Settings

MINIMUM_KEY_BYTES = 32  # RFC 2104, section 3: a key shorter than the hash's output weakens it
_BLOCK_BYTES = 64  # of SHA-256
SAMPLE_MARK = "sample.json"
# As people write it too: 010180-1234, 010180 1234.
_PERSONAL_NUMBER = re.compile(r"\d{6}[-\s]?\d{4}")

_HOW_TO_MAKE_ONE = (
    "Make one once and keep it safe (without it old and new months can't be joined):\n"
    "    (umask 077; python3 -c 'import secrets; print(secrets.token_hex(32))' > /path/to/jobcenter.key)\n"
    "    export JOBCENTER_KEY_FILE=/path/to/jobcenter.key"
)


def without_personal_numbers(text: str) -> str:
    """The text with everything struck out that could be a CPR number: ten digits, with a dash or a space or neither."""
    return _PERSONAL_NUMBER.sub("<ten digits>", text)


class KeyMissing(RuntimeError):
    """No key is configured, or its file can't be read."""


class KeyTooShort(RuntimeError):
    """The key has fewer than 32 bytes."""


@dataclass(frozen=True)
class Key:
    """A secret key and its public id; `is_generated` when this very call made a new sample key."""

    key_bytes: bytes = field(repr=False)
    key_id: str
    is_generated: bool = False
    is_sample: bool = False


def load_key(settings: Settings) -> Key:
    """The key from JOBCENTER_KEY or JOBCENTER_KEY_FILE; for a sample landing zone a generated one.

    Line ends around the text don't count. Raises KeyMissing or KeyTooShort with instructions.
    """
    if settings.key_text is not None and settings.key_file is not None:
        raise KeyMissing(
            "Both JOBCENTER_KEY and JOBCENTER_KEY_FILE are set: set one of them, so that it is clear which key counts."
        )
    if settings.key_text is not None:
        return _checked(settings.key_text.strip("\r\n").encode(), "JOBCENTER_KEY")
    if settings.key_file is not None:
        return _checked(_read(settings.key_file), f"JOBCENTER_KEY_FILE ({settings.key_file})")
    if (settings.landing / SAMPLE_MARK).is_file():
        return _sample_key(sample_key_path(settings))
    raise KeyMissing(
        "No key for replacing CPR numbers: neither JOBCENTER_KEY nor JOBCENTER_KEY_FILE is set. " + _HOW_TO_MAKE_ONE
    )


def person_key(key: Key, person_id: str) -> int:
    """The pseudonym of one identifier, which is hashed as it stands, well formed or not."""
    return int.from_bytes(hmac.digest(key.key_bytes, person_id.encode(), "sha256")[:8], "big")


def person_keys(key: Key, person_ids: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The pseudonyms of many identifiers, in their order, as unsigned 64-bit integers.

    HMAC by its definition in RFC 2104, section 2, with the two keyed starting states made once: a third of the time of
    `hmac.digest`, which matters for a million persons.
    """
    block = key.key_bytes if len(key.key_bytes) <= _BLOCK_BYTES else hashlib.sha256(key.key_bytes).digest()
    block = block.ljust(_BLOCK_BYTES, b"\0")
    inner_start = hashlib.sha256(bytes(byte ^ 0x36 for byte in block)).copy
    outer_start = hashlib.sha256(bytes(byte ^ 0x5C for byte in block)).copy
    digests = bytearray()
    for person_id in person_ids:
        inner, outer = inner_start(), outer_start()
        inner.update(person_id.encode())
        outer.update(inner.digest())
        # A list of digests would hold three times as much.
        digests += outer.digest()[:8]
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


class KeyBook:
    """The pseudonyms made so far in a run, so that a person who comes every month is hashed once.

    Holds CPR numbers: it lives in memory only. For one thread.
    """

    def __init__(self) -> None:
        self._numbers = np.empty(0, dtype=np.int64)
        self._keys = np.empty(0, dtype=np.uint64)

    def keys(self, key: Key, numbers: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """The pseudonyms of CPR numbers given as whole numbers, in their order; always with the same key."""
        persons, rows = np.unique(numbers, return_inverse=True)
        places: np.ndarray[Any, np.dtype[np.intp]] = np.asarray(np.searchsorted(self._numbers, persons))
        is_new = np.ones(len(persons), dtype=np.bool_)
        known = places < len(self._numbers)
        is_new[known] = self._numbers[places[known]] != persons[known]
        if is_new.any():
            new = persons[is_new]
            made = person_keys(key, (f"{number:010d}" for number in map(int, new)))
            self._keys = np.insert(self._keys, places[is_new], made)
            self._numbers = np.insert(self._numbers, places[is_new], new)
            # Each place moves on by the new persons before it.
            places += np.cumsum(is_new) - is_new
        keys: np.ndarray[Any, np.dtype[np.uint64]] = self._keys[places][rows]
        return keys


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip(b"\r\n")
    except OSError as error:
        raise KeyMissing(f"JOBCENTER_KEY_FILE: {path} can't be read ({error.strerror}). " + _HOW_TO_MAKE_ONE) from error


def _checked(key_bytes: bytes, source: str, *, is_generated: bool = False, is_sample: bool = False) -> Key:
    if len(key_bytes) < MINIMUM_KEY_BYTES:
        raise KeyTooShort(
            f"The key in {source} has {len(key_bytes)} bytes; HMAC-SHA-256 needs at least {MINIMUM_KEY_BYTES}. "
            + _HOW_TO_MAKE_ONE
        )
    key_id = hmac.digest(key_bytes, b"jobcenter_insight key id", "sha256").hex()[:16]
    return Key(key_bytes, key_id, is_generated, is_sample)


def is_about_samples(settings: Settings, key_id: str) -> bool:
    """Whether what is loaded is made up: the landing zone is a sample, or persons were hashed with a sample's key."""
    if (settings.landing / SAMPLE_MARK).is_file():
        return True
    path = sample_key_path(settings)
    return path.is_file() and _checked(_read(path), str(path)).key_id == key_id


def sample_key_path(settings: Settings) -> Path:
    """Where the generated key of sample data lies."""
    return settings.keys / "sample.key"


def _sample_key(path: Path) -> Key:
    """Sample numbers belong to nobody, so a key made on the spot is good enough; kept, so that runs agree."""
    if path.exists():
        return _checked(_read(path), str(path), is_sample=True)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside and renamed: a run killed here leaves no half key behind.
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    return _checked(_read(path), str(path), is_generated=True, is_sample=True)
