"""`make rekey`: hash every person anew from the landing zone with the key that is set now; the marts must be equal.

For sample data, whose key is made on the spot, a new one is made. Exit status 0 when the marts are equal; 1 when not,
and then warehouse and sample key are what they were (after a kill the next `make pipeline` or `make rekey` puts them
back); 2 when something must be set up first; 75 when a pipeline is at work.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.commands import end
from orchestration.lib.deliveries import LandingMissing
from orchestration.lib.operations import renewing
from orchestration.lib.pipeline_lock import PipelineRunning
from orchestration.lib.progress import say
from orchestration.lib.pseudonyms import KeyMissing, KeyTooShort, load_key, sample_key_path
from orchestration.lib.settings import Settings, SettingsError


def main() -> int:
    """Renew the warehouse with another key; see the module for the exit status."""
    try:
        settings = Settings.from_environment().prepare()
        tables = renewing.renew(settings, lambda aside: _change_key(settings, aside))
    except (SettingsError, KeyMissing, KeyTooShort, LandingMissing) as error:
        say(str(error))
        return 2
    except PipelineRunning as error:
        say(str(error))
        return 75
    except renewing.STOPPED_BY as error:
        say(f"not rekeyed: {error}")
        return 1
    say(f"every person is hashed with the new key; {tables} tables of the marts are equal")
    return 0


def _change_key(settings: Settings, aside: Path) -> None:
    sample_key = sample_key_path(settings)
    if settings.key_file is None and settings.key_text is None and sample_key.is_file():
        sample_key.rename(aside / sample_key.name)
    say(f"hashing anew with key {load_key(settings).key_id}")


if __name__ == "__main__":
    end(main, __doc__)
