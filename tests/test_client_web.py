"""The same play in a browser: the server by a WebSocket client, and the page in a real headless Chromium."""

import asyncio
import base64
import io
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from client_fake_env import HEIGHT, WIDTH, AheadDream, FakeDream, make
from PIL import Image

from simworld.actions import CAMERA, SLOT
from simworld.client.options import PlayOptions
from simworld.client.web.server import ServeOptions, Server, is_loopback

PATIENCE = 30.0


class Page:
    """A WebSocket client that does what the page does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.pictures: list[np.ndarray] = []
        self.told: list[dict[str, Any]] = []

    async def until(self, found: Callable[[], Any], sees: bool = True) -> Any:
        """Take what comes until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not (result := found()):
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.BINARY:
                    with Image.open(io.BytesIO(message.data)) as picture:
                        self.pictures.append(np.asarray(picture))
                    if sees:
                        await self.socket.send_json({"seen": len(self.pictures)})
                elif message.type is aiohttp.WSMsgType.TEXT:
                    self.told.append(json.loads(message.data))
                else:
                    raise AssertionError(f"the server closed: {message}")
        return result

    async def shown(self, count: int) -> None:
        """So many more pictures."""
        goal = len(self.pictures) + count
        await self.until(lambda: len(self.pictures) >= goal)

    def said(self, words: str) -> bool:
        return any(words in json.dumps(line, ensure_ascii=False) for line in self.told)


def serving(
    play: Callable[[Server, aiohttp.ClientSession], Awaitable[None]], world: str, **options: Any
) -> None:
    """Run `play` against a server of `world`."""

    async def run() -> None:
        server = Server(ServeOptions(play=PlayOptions(world=world), port=0, **options))
        await server.start()
        try:
            async with aiohttp.ClientSession() as client:
                await play(server, client)
        finally:
            await server.stop()

    asyncio.run(run())


def address(server: Server) -> str:
    before, _, query = server.url.partition("?")
    return f"{before}play" + (f"?{query}" if query else "")


def test_a_visitor_walks_turns_prompts_and_goes_back() -> None:
    world, life = make(FakeDream)

    async def play(server: Server, client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(address(server)) as socket:
            page = Page(socket)
            await page.shown(4)
            assert page.pictures[0].shape == (HEIGHT, WIDTH, 3)
            assert page.told[0]["codes"]["KeyW"] == "forward" and page.told[0]["codes"]["mouse 0"] == "attack"
            await socket.send_json({"press": "forward"})
            await socket.send_json({"turn": [40, -20]})
            await page.shown(8)
            await socket.send_json({"lift": "forward"})
            await socket.send_json({"prompt": "Schnee ☃"})
            await page.until(lambda: page.said("Schnee ☃") and life.prompts == ["Schnee ☃"])
            for nonsense in ("{", "[1]", '{"press": "fly"}', '{"turn": ["a", 2]}', '{"press": {"a": 1}}', '{"seen": null}'):
                count = len(page.told)
                await socket.send_str(nonsense)
                await page.until(lambda count=count: any("not understood" in line.get("say", "") for line in page.told[count:]))
            await socket.send_json({"rewind": True})
            await page.until(lambda: any((line.get("status") or {}).get("back") for line in page.told))
            await socket.send_json({"rewind": False})
            await page.shown(4)
            await socket.send_json({"pause": True})
            await asyncio.sleep(0.3)
            steps = len(life.actions)
            await asyncio.sleep(0.3)
            assert len(life.actions) == steps, "nobody looks: the world stands still"
            await socket.send_json({"pause": False})
            await socket.send_json({"restart": True})
            await page.until(lambda: len(life.resets) == 2)

    serving(play, world)
    assert any(action[SLOT["forward"]] for action in life.actions)
    # 40 pixels right, 20 up; what was gone back over may have been done twice.
    assert any(action[CAMERA][0] < 0 < action[CAMERA][1] for action in life.actions)
    assert life.closed


def test_a_slow_line_gets_fewer_pictures_and_hears_of_it() -> None:
    world, _ = make(FakeDream)

    async def play(server: Server, client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(address(server)) as socket:
            page = Page(socket)
            await page.until(lambda: any((line.get("status") or {}).get("left_out") for line in page.told), sees=False)
            assert len(page.pictures) == 8
            await socket.send_json({"seen": 8})
            await page.until(lambda: len(page.pictures) == 12, sees=False)

    serving(play, world)


def test_the_world_of_who_comes_first_goes_ahead() -> None:
    world, life = make(AheadDream, finish_seconds=0.02)

    async def play(server: Server, client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(address(server)) as socket:
            await Page(socket).shown(4)
            assert life.aside == 1
            async with client.ws_connect(address(server)) as other:
                await Page(other).shown(4)
                assert life.aside == 1 and len(life.resets) == 2

    serving(play, world)


def test_each_has_a_world_of_their_own_up_to_the_limit() -> None:
    world, life = make(FakeDream)

    async def play(server: Server, client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(address(server)) as one, client.ws_connect(address(server)) as two:
            first, second = Page(one), Page(two)
            await first.shown(3)
            await second.shown(3)
            assert len(life.resets) == 2
            async with client.ws_connect(address(server)) as three:
                refused = await three.receive_json()
                assert "all 2 worlds are being played in" in refused["over"]
                assert (await three.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            await one.close()
            await asyncio.sleep(0.5)
            async with client.ws_connect(address(server)) as four:
                await Page(four).shown(3)

    serving(play, world, visitors=2)


def test_a_world_that_breaks_is_told_to_its_visitor() -> None:
    world, _ = make(FakeDream, breaks_at=5)

    async def play(server: Server, client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(address(server)) as socket:
            page = Page(socket)
            await page.until(lambda: any("fell apart" in line.get("over", "") for line in page.told))

    serving(play, world)


def test_who_may_not_is_kept_out() -> None:
    world, life = make(FakeDream)

    async def local(server: Server, client: aiohttp.ClientSession) -> None:
        assert "token" not in server.url
        kept_out = (({"Origin": "https://evil.example"}, "another site"), ({"Host": "evil.example"}, "localhost only"))
        for headers, said in kept_out:
            async with client.get(address(server), headers=headers) as answer:
                assert answer.status == 403 and said in await answer.text()
        async with client.get(server.url) as answer:
            assert answer.status == 200 and "default-src 'self'" in answer.headers["Content-Security-Policy"]

    async def anywhere(server: Server, client: aiohttp.ClientSession) -> None:
        plain, token = server.url.replace("0.0.0.0", "127.0.0.1").split("?token=")
        assert len(token) > 16
        for query in ("", "?token=wrong", f"?token={token[:-1]}", "?token=ü"):
            for path in ("", "play"):
                async with client.get(f"{plain}{path}{query}") as answer:
                    assert answer.status == 403 and "token" in await answer.text()
        async with client.get(f"{plain}?token={token}") as answer:
            assert answer.status == 200

    serving(local, world)
    serving(anywhere, world, host="0.0.0.0")
    assert not life.resets


@pytest.mark.parametrize("wrong", [{"visitors": 0}, {"port": 70_000}, {"token": "short"}])
def test_options_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="serve: "):
        ServeOptions(play=PlayOptions(world="voxel"), **wrong)


def test_a_world_that_is_not_there_is_said_before_anybody_comes() -> None:
    with pytest.raises(ValueError, match="no world 'nowhere'"):
        Server(ServeOptions(play=PlayOptions(world="nowhere")))


def test_what_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "127.0.0.1.example.org")))


class Browser:
    """Chromium by its own protocol: evaluates JavaScript, sends real key and mouse events, takes pictures."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0

    async def ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    async def evaluate(self, code: str) -> Any:
        return (await self.ask("Runtime.evaluate", expression=code, returnByValue=True))["result"].get("value")

    async def until(self, code: str) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not (value := await self.evaluate(code)):
                await asyncio.sleep(0.05)
        return value

    async def key(self, kind: str, code: str, key: str, text: str = "") -> None:
        number = ord(key[0].upper())
        await self.ask("Input.dispatchKeyEvent", type=kind, code=code, key=key, text=text, windowsVirtualKeyCode=number)

    async def mouse(self, kind: str, x: float, y: float, button: str = "left") -> None:
        await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("the page needs a browser: sudo apt-get install chromium")


def test_the_page_is_played_in_a_real_browser(tmp_path: Path) -> None:
    world, life = make(FakeDream)
    program = chromium()

    async def play(server: Server, client: aiohttp.ClientSession) -> None:
        port_file = tmp_path / "DevToolsActivePort"
        async with asyncio.timeout(PATIENCE):
            while not port_file.exists() or not port_file.read_text().strip():
                await asyncio.sleep(0.1)
        port = port_file.read_text().split()[0]
        async with client.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
            target = (await answer.json())["webSocketDebuggerUrl"]
        async with client.ws_connect(target, max_msg_size=0) as socket:
            browser = Browser(socket)
            await browser.ask("Page.navigate", url=server.url)
            await browser.until("Number((document.getElementById('picture') || {dataset: {}}).dataset.pictures) > 5")
            assert await browser.evaluate(f"canvas.width === {WIDTH} && canvas.height === {HEIGHT}")
            await browser.key("keyDown", "KeyW", "w")
            await asyncio.sleep(0.4)
            await browser.key("keyUp", "KeyW", "w")
            await browser.mouse("mousePressed", 300, 200)
            await browser.mouse("mouseReleased", 300, 200)
            await browser.until("document.pointerLockElement === canvas")
            await browser.mouse("mouseMoved", 340, 200)
            await browser.mouse("mouseMoved", 380, 190)
            await browser.mouse("mousePressed", 380, 190)
            await asyncio.sleep(0.3)
            await browser.mouse("mouseReleased", 380, 190)
            await browser.evaluate("document.exitPointerLock()")
            await browser.key("keyDown", "KeyT", "t")
            await browser.until("document.activeElement.id === 'text'")
            await browser.ask("Input.insertText", text="a beach ☃")
            for kind in ("keyDown", "keyUp"):
                await browser.ask(
                    "Input.dispatchKeyEvent", type=kind, code="Enter", key="Enter", text="\r", windowsVirtualKeyCode=13
                )
            await browser.until("document.getElementById('line').textContent.includes('a beach ☃')")
            await browser.until("document.getElementById('figures').textContent.includes('pictures a second')")
            picture = base64.b64decode((await browser.ask("Page.captureScreenshot"))["data"])
            with Image.open(io.BytesIO(picture)) as shot:
                colours = np.asarray(shot.convert("RGB"))
            middle = colours[colours.shape[0] // 2 - 40, :, 0].astype(int)
            assert ((abs(middle - 60) < 12).mean() > 0.2) and ((abs(middle - 150) < 12).mean() > 0.2), "the fake's stripes"

    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command += ["--remote-debugging-port=0", f"--user-data-dir={tmp_path}", "--window-size=900,600"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            serving(play, world)
        finally:
            process.terminate()
    assert any(action[SLOT["forward"]] for action in life.actions)
    assert any(action[SLOT["attack"]] for action in life.actions)
    assert sum(action[CAMERA][1] for action in life.actions) > 2, "the locked pointer turned the view to the right"
    assert life.prompts == ["a beach ☃"]

