"""The reference block game: the default source of gameplay and the ground truth that the dream is measured against.

Importing it chooses where compiled code is kept: a folder named after these sources. Numba notices a change in the file
of a function, but not in the files of what the function calls, and would go on running the old rules.
"""

import hashlib
from pathlib import Path

import numba

_HERE = Path(__file__).parent


def fingerprint(folder: Path) -> str:
    """A short name for the sources in `folder`; another for any other."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_settings = vars(numba.config)
_kept = Path(_settings["CACHE_DIR"]) if _settings["CACHE_DIR"] else _HERE / "__pycache__"
# Where this cannot be written to, numba falls back on the user's own cache folder.
_settings["CACHE_DIR"] = str(_kept / f"compiled-{fingerprint(_HERE)}")
