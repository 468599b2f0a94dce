"""The menu that Esc opens: the world stands still under it. Also what is shown where a world has broken."""

from typing import TYPE_CHECKING

from simworld.client.screens.menu import Menu, Row
from simworld.client.screens.moments_screen import MomentsScreen
from simworld.client.screens.settings_menu import settings_menu

if TYPE_CHECKING:
    from simworld.client.app import App


def pause_menu(app: "App") -> Menu:
    """Where to go from a play."""
    rows = [
        Row("play on", act=app.screens.clear),
        Row("remember this moment", act=app.keeper.remember, hint="F5 does it in play"),
        Row(
            "remembered moments …",
            act=lambda: app.screens.push(MomentsScreen(app)),
            hint="go back to one; it can have many futures",
        ),
        Row("a new world", act=app.restart),
        Row("start screen …", act=app.choose, hint="other starts, other worlds"),
        Row("settings …", act=lambda: app.screens.push(settings_menu(app))),
        Row("all keys", act=app.show_help),
        Row("quit", act=app.quit, hint="the play can be gone on with later: the start screen has it"),
    ]
    return Menu("Paused", rows)


def broken_menu(app: "App", why: str, kept: bool) -> Menu:
    """The world broke; `kept`: whether its last moment is remembered."""
    saved = "the last moment is remembered" if kept else "its last moment could not be remembered"
    rows = [
        Row("wake the world again", act=app.wake_again),
        Row("start screen …", act=app.choose),
        Row("quit", act=app.quit),
    ]
    return Menu("The world broke", rows, note=f"{why} · {saved}", lasting=True)
