"""Where worlds lie: those that come with the package, by name, and any other by its folder."""

from pathlib import Path

import simworld


def shipped_folder() -> Path:
    """The package's own folder of worlds."""
    return Path(simworld.__file__).resolve().parent / "worlds"


def shipped_worlds() -> list[str]:
    """Names of the worlds that come with the package."""
    return sorted(path.parent.name for path in shipped_folder().glob("*/dynamics.safetensors"))


def find_world(world: str | Path) -> Path:
    """The folder of a world given by name or path. ValueError that says what there is."""
    for folder in (shipped_folder() / world, Path(world)):
        if (folder / "dynamics.safetensors").is_file():
            return folder
    raise ValueError(
        f"no world {str(world)!r}: it is neither a shipped one ({', '.join(shipped_worlds()) or 'none is shipped'}) "
        "nor a folder with dynamics.safetensors and autoencoder.safetensors"
    )
