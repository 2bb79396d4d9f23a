"""`make rekey`: hash every person anew from the landing zone with the key that is set now; the marts must be equal.

For sample data, whose key is made on the spot, a new one is made. Exit status 0 when the marts are equal; 1 when not,
and then warehouse and sample key are what they were; 2 when something must be set up first;
75 when a pipeline is at work.
"""

from __future__ import annotations

from orchestration.commands import end
from orchestration.lib.deliveries import LandingMissing
from orchestration.lib.operations import renewing
from orchestration.lib.pipeline_lock import PipelineRunning
from orchestration.lib.progress import say
from orchestration.lib.pseudonyms import KeyMissing, KeyTooShort, load_key
from orchestration.lib.settings import Settings, SettingsError


def main() -> int:
    """Renew the warehouse with another key; see the module for the exit status."""
    try:
        settings = Settings.from_environment().prepare()
        sample_key = settings.keys / "sample.key"
        former = sample_key.with_suffix(".former")
        is_sample = settings.key_file is None and settings.key_text is None
        if is_sample and sample_key.is_file():
            sample_key.rename(former)
        try:
            say(f"hashing anew with key {load_key(settings).key_id}")
            tables = renewing.renew(settings)
        except BaseException:
            if former.is_file():
                former.replace(sample_key)
            raise
        former.unlink(missing_ok=True)
    except (SettingsError, KeyMissing, KeyTooShort, LandingMissing) as error:
        say(str(error))
        return 2
    except PipelineRunning as error:
        say(str(error))
        return 75
    except (renewing.RenewalFailed, OSError) as error:
        say(f"not rekeyed: {error}")
        return 1
    say(f"every person is hashed with the new key; {tables} tables of the marts are equal")
    return 0


if __name__ == "__main__":
    end(main, __doc__)
