"""One visitor: a world of their own, played over a WebSocket. Pictures go out as JPEG, all else as JSON lines.

In: {"press": action}, {"lift": action}, {"turn": [right, down]}, {"prompt": text}, {"restart": true}, {"rewind": bool},
{"pause": bool}, {"watch": bool}, {"seen": number of pictures}. Out: {"say": line}, {"status": {...}}, {"over": reason}.
"""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from aiohttp import WSMsgType, web
from PIL import Image

from simworld.client.pacer import Pacer
from simworld.client.requests import Reset
from simworld.client.session import Session, WorldStopped, draw_seed
from simworld.client.stats import Stats
from simworld.client.wander import Wanderer
from simworld.client.web.web_player import WebPlayer
from simworld.client.worker import Worker

if TYPE_CHECKING:
    import gymnasium

_MOST_UNSEEN = 8
"""So many pictures may be on their way; where the line is slower than the world, pictures are left out."""
_STATUS_SECONDS = 0.5
_AWAY_SECONDS = 600.0
"""Who has touched nothing for so long makes room for others."""
_TICK_SECONDS = 0.004
_JPEG_QUALITY = 88


class Visitor:
    """`make`: their world, made in a thread. ahead: as of a `Worker`. Ends when the page goes, the world breaks, or they are
    away too long."""

    def __init__(
        self, socket: web.WebSocketResponse, make: "Callable[[], gymnasium.Env]", prompt: str | None, steps: int, ahead: bool
    ) -> None:
        self._socket = socket
        self._player = WebPlayer()
        self._worker = Worker(make, ahead)
        self._lines: list[str] = []
        begin = Reset(draw_seed(), prompt)
        stats = Stats(time.perf_counter())
        self._session = Session(self._worker, self._player, Pacer(), stats, begin=begin, say=self._lines.append)
        self._session.steps = steps
        self._sent = self._seen = self._left_out = 0
        self._touched = self._told = time.perf_counter()

    async def play(self) -> None:
        """Until it is over."""
        listening = asyncio.create_task(self._listen())
        try:
            while not listening.done() and not self._socket.closed:
                reason = await self._tick()
                if reason:
                    await self._send({"over": reason})
                    break
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
            await asyncio.get_running_loop().run_in_executor(None, self._worker.close)

    async def _tick(self) -> str | None:
        """One round; returns why it is over."""
        now = time.perf_counter()
        if now - self._touched > _AWAY_SECONDS:
            return "you have been away for ten minutes: reload the page to play on"
        try:
            picture = self._session.tick(now)
        except (WorldStopped, ValueError, OSError) as error:
            return str(error)
        while self._lines:
            await self._send({"say": self._lines.pop(0)})
        if picture is not None:
            if self._sent - self._seen < _MOST_UNSEEN:
                self._sent += 1
                await self._send(_jpeg(picture.frame))
            else:
                self._left_out += 1
            self._session.shown(picture, time.perf_counter())
        if now - self._told >= _STATUS_SECONDS:
            self._told = now
            await self._send({"status": self._status(now)})
        if picture is None:
            await asyncio.sleep(min(_TICK_SECONDS, self._session.wait(now)))
        return None

    def _status(self, now: float) -> dict[str, Any]:
        stats, rewinding = self._session.stats, self._session.rewinding
        return {
            "fps": round(stats.recent_fps(now), 1),
            "late": round(stats.late_share, 3),
            "left_out": self._left_out,
            "seed": self._session.seed,
            "prompt": self._session.prompt or "",
            "back": round(rewinding.seconds, 1) if rewinding is not None else None,
            "bot": self._session.player is not self._player,
        }

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                self._touched = time.perf_counter()
                try:
                    told = json.loads(message.data)
                    if not isinstance(told, dict):
                        raise ValueError("a message must be a JSON object")
                    self._take(told)
                except (ValueError, TypeError) as error:
                    self._lines.append(f"not understood: {error}")

    def _take(self, told: dict[str, Any]) -> None:
        now, session = time.perf_counter(), self._session
        self._player.take(told)
        if "press" in told and session.player is not self._player:
            session.player = self._player
        if "prompt" in told:
            session.set_prompt(str(told["prompt"]))
        if told.get("restart"):
            session.restart()
            self._lines.append(f"a new world: seed {session.seed}")
        if "rewind" in told:
            if told["rewind"]:
                session.start_rewinding(now)
            else:
                session.stop_rewinding()
        if "pause" in told:
            self._player.release()
            session.stop_rewinding()
            session.pause(bool(told["pause"]), now)
        if "watch" in told:
            session.player = Wanderer(draw_seed()) if told["watch"] else self._player
        if "seen" in told:
            self._seen = min(int(told["seen"]), self._sent)

    async def _send(self, what: bytes | dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):  # a page that went away is noticed by listening
            if isinstance(what, bytes):
                await self._socket.send_bytes(what)
            else:
                await self._socket.send_str(json.dumps(what))


def _jpeg(frame: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
