"""The README's moving picture, from a video that `simworld play` wrote: python docs/make_gif.py play.mp4 docs/play.gif"""

import sys
from itertools import islice

import av
from PIL import Image

SIZE = (480, 288)
EVERY, NUM_PICTURES = 2, 40


def make_gif(video: str, gif: str) -> None:
    """Every second picture of the first 4 seconds, at 10 pictures a second, with one palette for all."""
    with av.open(video) as container:
        frames = [frame.to_image() for frame in islice(container.decode(video=0), 0, EVERY * NUM_PICTURES, EVERY)]
    frames = [frame.resize(SIZE, Image.Resampling.LANCZOS) for frame in frames]
    strip = Image.new("RGB", (SIZE[0], SIZE[1] * 5))
    for place in range(5):
        strip.paste(frames[place * (len(frames) - 1) // 4], (0, place * SIZE[1]))
    palette = strip.quantize(128)
    pictures = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    pictures[0].save(gif, save_all=True, append_images=pictures[1:], duration=1000 // 10, loop=0, optimize=True)


if __name__ == "__main__":
    make_gif(*sys.argv[1:])
