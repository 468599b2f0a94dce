"""The window: opens, shows pictures as large as whole pixels allow, catches the mouse. Knows no world, no overlay."""

import numpy as np
import pygame

from simworld.client.waking import HEIGHT, WIDTH

_FITTING_HEIGHT = 540
"""Without a wish the window is the smallest whole multiple of the picture that is at least this high, or the largest
that 9/10 of the desktop hold."""
_DESKTOP_SHARE = 0.9
_SURROUND = (8, 10, 14)


class Window:
    """scale: window pixels per picture pixel, None fits. pygame.error if this machine has no display.

    whole: the picture keeps whole multiples of its pixels, else it fills the window. full: the whole screen.
    `screen` is the surface to draw overlays on; `area` the rectangle on it that the picture covers.
    """

    def __init__(self, title: str, scale: int | None = None, whole: bool = True, full: bool = False) -> None:
        # Never pygame.init(): it would open the sound card, and a machine without one must play all the same.
        pygame.display.init()
        pygame.font.init()
        self._scale = scale
        self._frame_size = (WIDTH, HEIGHT)
        pygame.display.set_caption(title)
        self.whole, self.full = whole, full
        self._opened_size = self._wished_size()
        self._open()
        self.area = self.screen.get_rect()
        self.caught = False
        pygame.key.stop_text_input()  # until a prompt is typed, keys are keys

    def show(self, frame: np.ndarray, fill: bool = False) -> None:
        """Draw `frame`, uint8 [h, w, 3], without flipping. The window follows frames of another shape, unless the
        player has resized it. fill: as large as the window allows, in whole pixels or not."""
        height, width = frame.shape[:2]
        if (width, height) != self._frame_size:
            self._frame_size = (width, height)
            if self.screen.get_size() == self._opened_size and not self.full:
                self._opened_size = self._wished_size()
                self._open()
                centre = pygame.WINDOWPOS_CENTERED  # lest a larger one stick out of the screen
                pygame.display.set_window_position((centre, centre))
        picture = pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB").convert(self.screen)
        self.area = _largest_within(self.screen.get_size(), width, height, self.whole and not fill)
        if self.area.size != self.screen.get_size():
            self.screen.fill(_SURROUND)
        pygame.transform.scale(picture, self.area.size, self.screen.subsurface(self.area))

    def fill_screen(self, full: bool) -> None:
        """Take the whole screen, or be a window again."""
        if full != self.full:
            self.full = full
            self._open()

    def catch_mouse(self, catch: bool) -> None:
        """Hide and hold the mouse, so that it turns the view without end; or let it go."""
        self.caught = catch
        pygame.event.set_grab(catch)
        pygame.mouse.set_visible(not catch)

    def close(self) -> None:
        """Close the window at once."""
        pygame.display.quit()

    def _open(self) -> None:
        if self.full:
            self.screen = pygame.display.set_mode(pygame.display.get_desktop_sizes()[0], pygame.FULLSCREEN)
        else:
            self.screen = pygame.display.set_mode(self._opened_size, pygame.RESIZABLE)
            self._opened_size = pygame.display.get_window_size()

    def _wished_size(self) -> tuple[int, int]:
        width, height = self._frame_size
        if self._scale is not None:
            return width * self._scale, height * self._scale
        desktop = pygame.display.get_desktop_sizes()[0]
        room = round(_DESKTOP_SHARE * desktop[0]), round(_DESKTOP_SHARE * desktop[1])
        scale = -(-_FITTING_HEIGHT // height)
        if width * scale > room[0] or height * scale > room[1]:
            return _largest_within(room, width, height).size
        return width * scale, height * scale


def _largest_within(room: tuple[int, int], width: int, height: int, whole: bool = True) -> pygame.Rect:
    """The largest whole multiple of a width × height picture inside `room`, centred; a fraction only where less than
    one picture fits, where whole pixels would leave over a third of the room empty, or where `whole` is not wished."""
    exact = min(room[0] / width, room[1] / height)
    scale = float(int(exact))
    if scale < exact * 2 / 3 or not whole:
        scale = exact
    area = pygame.Rect(0, 0, max(1, round(width * scale)), max(1, round(height * scale)))
    area.center = room[0] // 2, room[1] // 2
    return area.clip(pygame.Rect(0, 0, *room))
