"""Where the configuration comes from: the environment and a `.env` file."""

from __future__ import annotations

import io
import os
from pathlib import Path

from dotenv import dotenv_values

from pbxapi.settings import SettingsError


def read_environment(path: Path = Path(".env")) -> dict[str, str]:
    """Merge: a variable of the environment that is not empty beats the file's, which need not be there.

    Values are taken as they stand: `$` in a secret means itself. Raises SettingsError when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError([f"{path}: cannot be read: {reason}"]) from None
    file = dotenv_values(stream=io.StringIO(text), interpolate=False)
    merged = {name: value for name, value in file.items() if value}
    merged.update((name, value) for name, value in os.environ.items() if value)
    return merged
