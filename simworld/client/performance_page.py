"""docs/performance.md: where the time of a chunk goes, written from a benchmark's figures. simworld benchmark --page FILE"""

import os
from pathlib import Path
from typing import Any

MEANING = {
    "scenery": "how near things are, where the eye goes, and what it then sees of the last pictures",
    "conditioning": "what the network is told: the latent expected if all goes on, actions, prompt",
    "denoise": "the denoising passes, of which the first writes the latent before into the memory",
    "decode": "from latent to pictures, and the finished pictures encoded again",
    "hands": "while their keys are pressed: which block is aimed at, and what becomes of it",
    "restore": "what scenery shows of the pictures, freed from frayed edges, seams and holes",
    "grain": "what is on the faces of near blocks",
    "falls": "rain and snow",
    "far memory": "what was seen in all directions, read and painted",
    "relight": "the pictures as they are at the hour that it has become",
    "cache write": "the finished latent as it is remembered, and the flow that led to it",
    "display": "all pictures of the chunk, drawn, scaled and shown",
}


BY_HAND = "## Measured beside it"
"""The heading from which on a page is written by hand, and stays."""


def write_page(path: Path, figures: dict[str, Any]) -> None:
    """Write the page; what was written there by hand, from `BY_HAND` on, stays. ValueError for figures of what is no dream, and
    has no stages."""
    if not figures.get("stages"):
        raise ValueError(f"{figures['world']} has no stages to tell of: it is no dream; give a trained world")
    _, heading, by_hand = (path.read_text() if path.exists() else "").partition(f"\n{BY_HAND}\n")
    path.write_text(page(figures) + heading + by_hand)


def page(figures: dict[str, Any]) -> str:
    """The page's text."""
    stages, ms = figures["stages"], figures["chunk_ms_p50"]
    whole = sum(part["ms"] for part in stages.values())
    command = f"simworld benchmark --world {figures['world']} --steps {figures['num_steps']} --page docs/performance.md"
    lines = [
        "# Where the time goes",
        "",
        f"Written by `{command}` on {os.cpu_count()} cores ({figures['device']}).",
        "",
        f"A chunk of {figures['chunk_frames']} pictures takes {whole:.0f} ms by itself, stage after stage. In play, on",
        f"a processor, one can follow another every {ms:.0f} ms (median), for restore, grain and relight are another process's",
        f"work, done while the next one is dreamt. It has {figures['flops_per_chunk'] / 1e9:.2f} GFLOP of matrix",
        f"products; this machine makes {figures['matmul_gflops']:.0f} GFLOP/s of them in {figures['dtype']}. Play reaches",
        f"{figures['floor_share']:.1%} of that rate; by stage:",
        "",
        "| stage | what | ms | of all | GFLOP | of the matrix rate |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, part in stages.items():
        figured = f"{part['ms']:.1f} | {part['ms'] / whole:.0%} | {part['flops'] / 1e9:.2f} | {part['share']:.1%}"
        lines.append(f"| {name} | {MEANING[name]} | {figured} |")
    lines += [
        "",
        "What is not a matrix product (registration of pictures, sampling them at moved places, painting) counts as no",
        "arithmetic here, which is why decoding and far memory are so far from that rate. A latent has few tokens, so that",
        "the network is many small products, and calling them costs more than their arithmetic.",
        "",
        "`python benchmarks/plain_loop.py` compares with a plain loop without KV cache.",
        "",
    ]
    return "\n".join(lines)
