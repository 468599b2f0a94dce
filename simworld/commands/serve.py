"""Play in a browser: serves the same world in a web page, a world of their own for each visitor up to a limit.

Listens on this machine only, unless --host says otherwise; then who opens the page needs the token in the address that is
printed. W A S D and mouse, T types a prompt, Backspace held goes back in time, P lets the bot play, R starts anew; walking
twice in a row sprints. On a touch screen a stick and buttons appear.

examples:
  simworld serve
  simworld serve --world voxel --visitors 4
  simworld serve --host 0.0.0.0 --port 8420
"""

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("--world", metavar="WORLD", help="as `simworld play` takes it (default: small)")
    parser.add_argument("--prompt", metavar="TEXT", help="what the worlds begin as")
    parser.add_argument("--steps", type=int, choices=(1, 2, 4, 8), help="sampling steps per chunk (default: 4)")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="where the net runs (default: cpu)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8420, metavar="N", help="and port; 0 takes any (default: %(default)s)")
    parser.add_argument("--visitors", type=int, default=2, metavar="N", help="worlds at once (default: %(default)s)")
    parser.add_argument("--token", help="what pages must show (default: made where other machines can reach the host)")


def run(options: argparse.Namespace) -> None:
    """Serve until Ctrl+C. ValueError for a world or an address that cannot be had."""
    from simworld.client.options import PlayOptions
    from simworld.client.web.server import ServeOptions, serve

    names = ("world", "prompt", "steps", "device")
    play = PlayOptions(**{name: value for name in names if (value := getattr(options, name)) is not None})
    serving = ServeOptions(play=play, host=options.host, port=options.port, visitors=options.visitors, token=options.token)
    try:
        serve(serving)
    except OSError as error:
        raise ValueError(f"serve: cannot listen on {options.host}, port {options.port}: {error.strerror or error}") from error
