"""The command line `simworld COMMAND …`: finds the command's file, runs it, and turns a user's mistake into one line.

Knows nothing of what the commands do: each has a file in `simworld.commands` with `arguments(parser)` and
`run(options)`, imported only when that command is called, so that `simworld --help` is instant. Exit codes: 0 done,
2 a user's mistake, 130 interrupted.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from simworld import __version__

COMMANDS = {
    "play": "walk through the dreamt world, or the real game, in a window",
    "serve": "play in a browser",
    "record": "record episodes of a game played by a bot",
    "train": "train the networks of a world",
    "evaluate": "measure a world against the real game",
    "benchmark": "measure how fast a world plays on this machine",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (default: the process's own arguments) and return its exit code; argparse exits by itself for
    `--help` and for arguments that it does not know. `--traceback` lets a user's mistake show where it was found."""
    options = _parser().parse_args(arguments)
    command = importlib.import_module(f"simworld.commands.{options.command}")
    parser = argparse.ArgumentParser(
        prog=f"simworld {options.command}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.arguments(parser)
    parsed = parser.parse_intermixed_args(options.arguments)
    try:
        command.run(parsed)
    except KeyboardInterrupt:
        return 130
    except (ValueError, FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError) as mistake:
        if options.traceback:
            raise
        print(f"simworld: error: {' '.join(str(mistake).split())}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:<11}{summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="simworld",
        description="A block world that a neural network dreams while you play it.",
        epilog=f"commands:\n{commands}\n\n"
        "simworld COMMAND --help tells more.\n\n"
        "examples:\n"
        "  simworld play\n"
        '  simworld play --prompt "a snowy forest at night"\n'
        "  simworld play --world voxel",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"simworld {__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where an error was found, not only its one line")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="the command's own arguments")
    return parser


if __name__ == "__main__":
    sys.exit(main())
