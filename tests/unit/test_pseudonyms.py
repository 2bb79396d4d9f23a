"""The key: where it comes from, how long it must be, and that the pseudonym is HMAC-SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestration.lib.pseudonyms import (
    Key,
    KeyBook,
    KeyMissing,
    KeyTooShort,
    is_about_samples,
    load_key,
    person_key,
    person_keys,
    without_personal_numbers,
)
from orchestration.lib.settings import Settings


def _settings(root: Path, *, key_file: Path | None = None, key_text: str | None = None) -> Settings:
    (root / "landing").mkdir(exist_ok=True)
    return Settings(landing=root / "landing", data=root / "data", key_file=key_file, key_text=key_text)


def test_key_from_text_and_from_file_is_the_same_key_whatever_the_line_end(tmp_path: Path) -> None:
    text = "k" * 32
    (tmp_path / "key").write_bytes(text.encode() + b"\r\n")
    from_text = load_key(_settings(tmp_path, key_text=text))
    from_file = load_key(_settings(tmp_path, key_file=tmp_path / "key"))
    assert from_text == from_file
    assert from_text.key_bytes == text.encode()
    expected = hmac.new(text.encode(), b"jobcenter_insight key id", hashlib.sha256).hexdigest()[:16]
    assert from_text.key_id == expected
    assert text not in repr(from_text)


def test_thirty_one_bytes_are_too_few_and_bytes_not_letters_count(tmp_path: Path) -> None:
    with pytest.raises(KeyTooShort, match=r"JOBCENTER_KEY has 31 bytes; .* at least 32[\s\S]*secrets.token_hex"):
        load_key(_settings(tmp_path, key_text="k" * 31))
    assert load_key(_settings(tmp_path, key_text="ø" * 16)).key_id


def test_no_key_and_an_unreadable_file_stop_with_instructions(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match=r"neither JOBCENTER_KEY nor JOBCENTER_KEY_FILE[\s\S]*secrets.token_hex"):
        load_key(_settings(tmp_path))
    with pytest.raises(KeyMissing, match=r"JOBCENTER_KEY_FILE: .*/nowhere can't be read"):
        load_key(_settings(tmp_path, key_file=tmp_path / "nowhere"))


def test_two_keys_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40)
    with pytest.raises(KeyMissing, match="Both JOBCENTER_KEY and JOBCENTER_KEY_FILE"):
        load_key(_settings(tmp_path, key_file=tmp_path / "key", key_text="k" * 40))


def test_sample_landing_zone_gets_one_generated_key_and_keeps_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    (settings.landing / "sample.json").write_text("{}")
    first, second = load_key(settings), load_key(settings)
    assert (first.is_generated, second.is_generated) == (True, False)
    assert first.is_sample and second.is_sample
    assert first.key_bytes == second.key_bytes
    assert stat.S_IMODE((settings.keys / "sample.key").stat().st_mode) == 0o600
    assert load_key(_settings(tmp_path, key_text="g" * 32)).is_sample is False


def test_what_is_loaded_is_made_up_by_its_landing_zone_or_by_its_key(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert not is_about_samples(settings, "")
    mark = settings.landing / "sample.json"
    mark.write_text("{}")
    assert is_about_samples(settings, "any")
    made_up, real = load_key(settings), load_key(_settings(tmp_path, key_text="g" * 32))
    mark.unlink()
    # The landing zone is another one now; the warehouse still holds what was hashed with the sample's key.
    assert is_about_samples(settings, made_up.key_id) and not is_about_samples(settings, real.key_id)


@pytest.mark.parametrize("length", [32, 63, 64, 65, 200])
def test_pseudonyms_are_the_first_eight_bytes_of_the_hmac(length: int) -> None:
    key = Key(bytes(range(200))[:length], "id")
    people = ["6101500001", "not ten digits", "", "æøå"]
    expected = [
        int.from_bytes(hmac.new(key.key_bytes, person.encode(), hashlib.sha256).digest()[:8], "big")
        for person in people
    ]
    assert person_keys(key, people).tolist() == expected
    assert [person_key(key, person) for person in people] == expected
    assert person_keys(key, []).tolist() == []


def test_key_book_gives_the_pseudonyms_of_the_texts_and_hashes_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key(b"k" * 32, "id")
    hashed: list[str] = []

    def counted(key: Key, person_ids: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
        listed = list(person_ids)
        hashed.extend(listed)
        return person_keys(key, listed)

    monkeypatch.setattr("orchestration.lib.pseudonyms.person_keys", counted)
    book = KeyBook()
    # Leading zeros belong to the number; later files bring persons before, between and after the known ones.
    for numbers in (["6101509999", "0101500001", "6101509999"], [], ["0000000000", "3112999999", "9999999999"]):
        keys = book.keys(key, np.array([int(number) for number in numbers], dtype=np.int64))
        assert keys.tolist() == [person_key(key, number) for number in numbers]
    everybody = ["9999999999", "0101500001", "0000000000", "6101509999", "3112999999", "0101500001"]
    assert book.keys(key, np.array([int(number) for number in everybody])).tolist() == [
        person_key(key, number) for number in everybody
    ]
    assert len(hashed) == len(set(hashed)) == 5


@pytest.mark.parametrize("number", ["0101801234", "010180-1234", "010180 1234", "010180\u00a01234"])
def test_a_number_that_could_be_a_cpr_number_is_struck_out_of_a_text(number: str) -> None:
    assert without_personal_numbers(f"række {number} (12345)") == "række <ten digits> (12345)"
