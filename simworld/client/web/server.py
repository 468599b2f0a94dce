"""`serve(ServeOptions())`: the page, and a world for each visitor up to a limit, on this machine only unless asked otherwise.

Bound to the loopback it takes only pages that it served itself (Host and Origin are checked, against other sites' scripts and
rebound names); bound elsewhere it wants a token as well.
"""

import asyncio
import hmac
import ipaddress
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import web

from simworld.client import worlds
from simworld.client.options import PlayOptions
from simworld.client.web.visitor import Visitor
from simworld.client.web.web_player import codes
from simworld.model.shipped import find_world

_PAGES = {"/": ("page.html", "text/html"), "/page.js": ("page.js", "text/javascript"), "/page.css": ("page.css", "text/css")}
_MOST_MESSAGE = 65_536
"""Bytes of one message from a page."""
_NAMES = ("localhost",)


@dataclass(kw_only=True)
class ServeOptions:
    """play: which world, prompt, steps and device. host, port: where to listen; port 0 takes any. visitors: worlds at once.
    token: what pages must show; None makes one where others can reach this host, and wants none where they cannot.
    ValueError for numbers out of range."""

    play: PlayOptions
    host: str = "127.0.0.1"
    port: int = 8420
    visitors: int = 2
    token: str | None = None

    def __post_init__(self) -> None:
        if self.visitors < 1:
            raise ValueError(f"serve: visitors is {self.visitors}; it must be 1 or more")
        if not 0 <= self.port < 65_536:
            raise ValueError(f"serve: port is {self.port}; it must be 0..65535")
        if self.token is not None and len(self.token) < 8:
            raise ValueError("serve: the token is shorter than 8 letters; leave it out, and a good one is made")
        if self.token is None and not is_loopback(self.host):
            self.token = secrets.token_urlsafe(16)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in _NAMES


class Server:
    """The web application; `url` once it listens. Worlds are made one by one as visitors come. ValueError where there is no
    such world."""

    def __init__(self, options: ServeOptions) -> None:
        name, _ = worlds.environment(options.play)
        if name == worlds.DREAM:
            find_world(options.play.world)
        self.options = options
        self.url = ""
        self._visitors: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. OSError where the address cannot be had."""
        app = web.Application()
        for path, (name, kind) in _PAGES.items():
            app.router.add_get(path, _page(name, kind, self._may))
        app.router.add_get("/play", self._play)
        self._runner = web.AppRunner(app, shutdown_timeout=2.0, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.options.host, self.options.port)
        await site.start()
        port = self._runner.addresses[0][1]
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        self.url = f"http://{host}:{port}/" + (f"?token={self.options.token}" if self.options.token else "")

    async def stop(self) -> None:
        """Close all worlds and stop listening."""
        for socket in list(self._visitors):
            await socket.close(message=b"the server stops")
        if self._runner is not None:
            await self._runner.cleanup()

    def _may(self, request: web.Request) -> None:
        """HTTPForbidden for who may not: a wrong token, another site's page, a foreign name for this machine."""
        if is_loopback(self.options.host) and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            raise web.HTTPForbidden(text=f"this server answers to localhost only, not to {request.host}")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="another site's page may not play here")
        token = self.options.token
        if token and not hmac.compare_digest(request.query.get("token", "").encode(), token.encode()):
            raise web.HTTPForbidden(text="the token is missing or wrong: open the address that `simworld serve` printed")

    async def _play(self, request: web.Request) -> web.WebSocketResponse:
        self._may(request)
        socket = web.WebSocketResponse(max_msg_size=_MOST_MESSAGE, heartbeat=20.0)
        await socket.prepare(request)
        if len(self._visitors) >= self.options.visitors:
            limit = self.options.visitors
            await socket.send_str(json.dumps({"over": f"all {limit} worlds are being played in: try again a little later"}))
            await socket.close()
            return socket
        self._visitors.add(socket)
        try:
            await socket.send_str(json.dumps({"codes": codes(), "world": worlds.title(self.options.play)}))
            play = self.options.play
            alone = len(self._visitors) == 1  # who shares the cores with others has none to spare
            visitor = Visitor(socket, partial(worlds.make, play), play.prompt, play.steps or worlds.DEFAULT_STEPS, alone)
            await visitor.play()
        finally:
            self._visitors.discard(socket)
            await socket.close()
        return socket


def _page(name: str, kind: str, may: Callable[[web.Request], None]) -> Callable[[web.Request], "asyncio.Future[web.Response]"]:
    content = files("simworld.client.web").joinpath(name).read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; connect-src 'self' ws: wss:",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def answer(request: web.Request) -> web.Response:
        if name.endswith(".html"):
            may(request)
        return web.Response(text=content, content_type=kind, headers=headers)

    return answer  # type: ignore[return-value]


def serve(options: ServeOptions) -> None:
    """Serve until Ctrl+C. ValueError for a world that cannot be had, OSError for an address that cannot."""

    async def run() -> None:
        server = Server(options)
        await server.start()
        print(f"SimWorld is played at {server.url}   (Ctrl+C stops it)", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await server.stop()

    asyncio.run(run())
