"""SimWorld: a block world that a neural network dreams, chunk by chunk, while you play it.

Importing this package imports nothing heavy: networks live in `simworld.model`, environments in `simworld.env`,
recording and training in `simworld.training`, the window in `simworld.client`.
"""

__version__ = "0.1.0"
