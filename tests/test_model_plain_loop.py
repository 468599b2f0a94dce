"""The plain loop that dreams are compared with dreams the same, only more slowly."""

import importlib.util
from pathlib import Path

from tiny_world import write_tiny_world

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "plain_loop.py"


def test_without_its_cache_the_network_dreams_the_same(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("plain_loop", SCRIPT)
    assert spec is not None and spec.loader is not None
    plain_loop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain_loop)
    figures = plain_loop.compare(str(write_tiny_world(tmp_path)), num_steps=2, rounds=2)
    assert figures["mean difference of the latents that both dream"] < 0.02, "but for rounding"
    assert figures["plain with a latent a frame ÷ ours"] > 1
