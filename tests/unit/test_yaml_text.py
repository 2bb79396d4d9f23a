"""YAML whose keys stand once."""

import pytest
import yaml

from orchestration.lib.yaml_text import parse_yaml


def test_a_key_that_stands_twice_is_an_error_that_names_it_and_its_line() -> None:
    with pytest.raises(yaml.YAMLError, match=r"the key 'menu' stands twice(?s:.)*line 3, column 1"):
        parse_yaml("menu: 1\nskip: 2\nmenu: 3\n")
    with pytest.raises(yaml.YAMLError, match="the key 'da' stands twice"):
        parse_yaml("menu: {da: Menu, en: Menu, da: Kort}")


def test_keys_of_other_mappings_and_merged_ones_are_no_repetition() -> None:
    text = "one: &base {a: 1, b: 2}\ntwo: {<<: *base, b: 3}\nlist: [{a: 1}, {a: 2}]\n"
    assert parse_yaml(text) == {"one": {"a": 1, "b": 2}, "two": {"a": 1, "b": 3}, "list": [{"a": 1}, {"a": 2}]}
