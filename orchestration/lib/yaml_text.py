"""YAML by the C parser where the library was built with it: ten times as fast, the same content and errors."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """The content of a YAML text, plain values only. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)
