"""Pictures of the player's own: what begins from them, and what is said of those that no dream can begin from."""

import re
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.client.given_start import read_start
from simworld.client.headless import play_headless
from simworld.client.options import PlayOptions


def write_picture(path: Path, height: int, width: int) -> str:
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0], pixels[:, width // 2 :, 2] = 220, 220
    Image.fromarray(pixels).save(path)
    return str(path)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (100, 700), (1080, 1920), (17, 16)])
def test_a_picture_of_any_size_becomes_the_first(height: int, width: int, tmp_path: Path) -> None:
    given = read_start(write_picture(tmp_path / "mine.png", height, width), None)
    assert given is not None
    frames = given.options(HEIGHT, WIDTH)["frames"]
    assert frames.shape == (1, HEIGHT, WIDTH, 3) and frames.dtype == np.uint8
    assert (frames[0, :, : WIDTH // 2 - 2, 0] > 200).all() and (frames[0, :, WIDTH // 2 + 2 :, 2] > 200).all()


def test_play_begins_with_the_picture_or_in_the_panorama(tmp_path: Path) -> None:
    world = str(write_tiny_world(tmp_path))
    for option, size in (("image", (90, 120)), ("panorama", (1200, 2400))):
        picture, out = write_picture(tmp_path / f"{option}.jpg", *size), str(tmp_path / f"{option}.mp4")
        play_headless(PlayOptions(world=world, frames=3, seed=1, out=out, scale=4, **{option: picture}), 0.0)
        with av.open(out) as container:
            first = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
        assert (first[:, : 4 * 20, 0] > 150).all() and (first[:, 4 * 28 :, 2] > 150).all(), option


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.png", None, "no such file"),
        ("text.png", b"not a picture", "cannot be read as a picture"),
        ("small.png", (3, 90), "3×90 pixels are too few"),
    ],
)
def test_what_is_no_picture_is_told(name: str, content: bytes | tuple[int, int] | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        write_picture(path, *content)
    with pytest.raises(ValueError, match=f"{re.escape(name)}: .*{message}"):
        read_start(str(path), None)


def test_a_torn_picture_is_told(tmp_path: Path) -> None:
    whole = Path(write_picture(tmp_path / "whole.png", 300, 300)).read_bytes()
    (tmp_path / "torn.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"torn\.png: cannot be read as a picture"):
        read_start(str(tmp_path / "torn.png"), None)


def test_a_panorama_must_show_all_directions(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="90×120 pixels; a panorama of all directions is twice as wide as high"):
        read_start(None, write_picture(tmp_path / "p.png", 90, 120))
    with pytest.raises(ValueError, match="one of --image, --panorama and --video"):
        read_start("a.png", "b.png")
    assert read_start(None, None) is None


def test_a_game_cannot_start_from_a_picture(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "p.png", 90, 120)
    with pytest.raises(ValueError, match="cannot start from a picture"):
        play_headless(PlayOptions(world="voxel", frames=3, image=picture, out=str(tmp_path / "p.mp4")), 0.0)
