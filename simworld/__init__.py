"""SimWorld: a block world that a neural network dreams, chunk by chunk, while you play it.

Importing this package imports nothing heavy: networks live in `simworld.model`, environments in `simworld.env`,
recording and training in `simworld.training`, the window in `simworld.client`.
"""

from simworld.env import register_worlds

__version__ = "0.1.0"

# So that `gymnasium.make("simworld:simworld/World-v0")` finds its id; costs Gymnasium's import and nothing more.
register_worlds()
