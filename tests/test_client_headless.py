"""Playing without a window, and what happens where something is missing or breaks."""

import json
import os
from pathlib import Path

import av
import numpy as np
import pytest
from client_fake_env import HEIGHT, WIDTH, FakeGame, make
from tiny_world import write_tiny_world

from simworld.actions import CAMERA, SLOT, noop
from simworld.client import play as client_play
from simworld.client import worlds
from simworld.client.benchmark import benchmark
from simworld.client.options import PlayOptions
from simworld.client.performance_page import write_page
from simworld.client.play import play
from simworld.client.player import Sample
from simworld.client.session import WorldStopped
from simworld.client.video import Video


def read_video(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_headless_play_writes_every_picture(tmp_path: Path) -> None:
    world, life = make()
    out = tmp_path / "play.mp4"
    stats = play(PlayOptions(world=world, headless=True, bot=True, frames=41, out=str(out), scale=2, seed=3))
    video = read_video(out)
    assert video.shape == (41, 2 * HEIGHT, 2 * WIDTH, 3)
    assert stats.pictures == 41
    assert life.resets[0][0] == 3
    assert any(action.any() for action in life.actions)
    assert [path.name for path in tmp_path.iterdir()] == ["play.mp4"], "nothing is left aside"


def test_a_world_plays_itself(tmp_path: Path) -> None:
    world, life = make(FakeGame)
    play(PlayOptions(world=world, headless=True, auto=True, frames=9, out=str(tmp_path / "auto.mp4")))
    assert all(action[SLOT["jump"]] for action in life.actions)
    assert [action[CAMERA][1] for action in life.actions] == list(range(len(life.actions))), "asked anew for each chunk"
    with pytest.raises(ValueError, match="voxel has no policy to play itself; a dream gets one by simworld train heads"):
        play(PlayOptions(world="voxel", headless=True, auto=True, frames=3, out=str(tmp_path / "no.mp4")))
    with pytest.raises(ValueError, match="goes with neither --bot nor --compare"):
        PlayOptions(auto=True, bot=True)


def test_headless_without_a_bot_stands_still(tmp_path: Path) -> None:
    world, life = make(FakeGame)
    play(PlayOptions(world=world, headless=True, frames=9, out=str(tmp_path / "still.mp4")))
    assert life.actions
    assert not any(action.any() for action in life.actions)


def test_the_bot_is_shown_the_picture_before_the_one_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Looker:
        def __init__(self, seed: int) -> None: ...

        def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
            assert frame is not None
            seen.append(int(frame[1, 0, 0]))
            return Sample(noop())

    monkeypatch.setattr("simworld.client.headless.Wanderer", Looker)
    world, _ = make(FakeGame)
    play(PlayOptions(world=world, headless=True, bot=True, frames=9, out=str(tmp_path / "seen.mp4")))
    assert seen[:5] == [0, 0, 2, 4, 6]


def test_headless_is_as_fast_as_the_world(tmp_path: Path) -> None:
    world, _ = make(step_seconds=0.001)
    stats = play(PlayOptions(world=world, headless=True, frames=101, out=str(tmp_path / "fast.mp4"), scale=1))
    assert stats.fps > 60
    assert stats.late == 0


def test_no_display_is_said_in_a_line_and_the_bot_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(client_play, "FALLBACK_FRAMES", 15)
    monkeypatch.chdir(tmp_path)
    world, life = make()
    assert play(PlayOptions(world=world)).pictures == 15
    assert len(read_video(tmp_path / "play.mp4")) == 15
    assert any(action.any() for action in life.actions)
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "no display" in said
    assert "play.mp4" in said


def test_a_display_that_cannot_be_opened_is_no_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr(client_play, "FALLBACK_FRAMES", 5)
    monkeypatch.chdir(tmp_path)
    world, _ = make()
    assert play(PlayOptions(world=world)).pictures == 5


@pytest.mark.parametrize("headless", [True, False])
def test_a_world_that_breaks_ends_the_play_with_its_reason(
    headless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    world, life = make(breaks_at=4)
    out = tmp_path / "broken.mp4"
    with pytest.raises(WorldStopped, match="as it stepped: ZeroDivisionError: the fake fell apart"):
        play(PlayOptions(world=world, headless=headless, frames=100, out=str(out)))
    assert life.closed
    assert len(read_video(out)) >= 4, "what was played until then is kept"


@pytest.mark.parametrize("headless", [True, False])
def test_a_world_that_is_not_there_is_the_players_mistake(
    headless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="NoSuchThing"):
        play(PlayOptions(world="NoSuchThing-v0", headless=headless))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("out", ["nowhere/play.mp4", "play.avi"])
def test_a_video_that_cannot_be_written_is_refused_before_anything_loads(out: str, tmp_path: Path) -> None:
    world, life = make()
    with pytest.raises(ValueError, match="video"):
        play(PlayOptions(world=world, headless=True, out=str(tmp_path / out)))
    assert not life.resets


def test_odd_sizes_become_even_videos(tmp_path: Path) -> None:
    with Video(tmp_path / "odd.mp4", scale=1) as video:
        for _ in range(3):
            video.write(np.full((33, 47, 3), 200, np.uint8))
    assert read_video(tmp_path / "odd.mp4").shape == (3, 34, 48, 3)


def test_the_benchmark_measures_the_client_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("simworld.client.benchmark.matmul_gflops", lambda device, dtype: 100.0)
    world, life = make(step_seconds=0.02)
    figures = benchmark(world, 2.0, tmp_path / "figures.json", num_steps=2)
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
    assert figures["fps"] == pytest.approx(20, abs=1.5)
    assert figures["chunk_ms_p50"] == pytest.approx(20, abs=5)
    assert 20 < figures["latency_ms_p95"] < 300
    assert figures["flops_per_chunk"] == 2e9
    assert figures["floor_share"] == pytest.approx(20 / figures["chunk_ms_p50"], rel=0.01)
    assert figures["num_steps"] == 2
    assert not Path(os.environ["XDG_DATA_HOME"]).exists(), "a benchmark is no play to go on with"
    assert figures["rss_mb"] > 20
    assert {"chunk_ms_p95", "first_picture_s", "late_share", "rss_growth", "fps_possible"} <= set(figures)
    assert any(action.any() for action in life.actions)
    assert figures["stages"] is None
    with pytest.raises(ValueError, match="no stages to tell of"):
        write_page(tmp_path / "page.md", figures)


def test_the_benchmark_tells_where_a_dream_spends_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    world = str(write_tiny_world(tmp_path))
    figures = benchmark(world, 1.0, num_steps=2)
    stages = figures["stages"]
    names = "scenery, conditioning, denoise, decode, hands, far memory, restore, grain, falls, relight, cache write, display"
    assert ", ".join(stages) == names
    assert all(part["ms"] > 0 for part in stages.values())
    told = worlds.make(PlayOptions(world=world, steps=2)).unwrapped.flops_per_chunk()
    assert sum(part["flops"] for part in stages.values()) == figures["flops_per_chunk"] == told
    assert stages["denoise"]["flops"] > stages["cache write"]["flops"] > 0, "two passes, and one"
    assert stages["denoise"]["share"] == pytest.approx(
        stages["denoise"]["flops"] / stages["denoise"]["ms"] / figures["matmul_gflops"] / 1e6, abs=1e-4
    )
    write_page(tmp_path / "page.md", figures)
    assert "| cache write |" in (tmp_path / "page.md").read_text()


def test_the_benchmark_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        benchmark("small", 1.0, tmp_path / "nowhere" / "figures.json")
