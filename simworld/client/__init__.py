"""The client: a Pygame window (or a video file) in which a person (or a wanderer) plays any world. See `app.play`."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # Pygame greets on stdout when it is imported
