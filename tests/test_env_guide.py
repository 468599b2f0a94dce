"""Where dreams are led: to the hour, and to the picture, that is asked for; and back to something from mist."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from test_env_world import make, some_frames
from tiny_world import WIDTH, write_tiny_world

from simworld.actions import noop
from simworld.env.guide import FADE_CHUNKS, LEAST_DETAIL, WAIT_CHUNKS
from simworld.env.start_pictures import StartPictures, detail
from simworld.model.checkpoint import write_tensors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_world(tmp_path_factory.mktemp("world"))


def test_who_asks_for_an_hour_gets_it_where_they_are() -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False)
    first, info = env.reset(seed=1, options={"prompt": "a desert at noon"})
    assert info["time_of_day"] == pytest.approx(0.2)
    bright = []
    for prompt, hour in (("late at night", 0.58), ("sunrise", 0.0), ("noon", 0.2)):
        env.unwrapped.set_prompt(prompt)
        for _ in range(25):
            last, *_, info = env.step(noop())
            assert not info["led"]
        assert info["time_of_day"] == pytest.approx(hour, abs=0.01)
        bright.append(float(last["pov"].mean()))
    assert bright[0] < 0.5 * bright[-1] and np.abs(last["pov"].astype(float) - first["pov"]).mean() < 12, "the same desert"


def test_who_begins_where_it_is_to_be_night_finds_it_so(tmp_path: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False).unwrapped
    night = env.start_options("a desert late at night", 1)
    assert night["hour"] == pytest.approx(0.58) and "hour" not in env.start_options("a desert", 1)
    bright = {}
    for name, hour in (("night", {}), ("day", {"hour": 0.2}), ("as it was seen", {"hour": float(night["daylight"][0])})):
        first, info = env.reset(seed=1, options={**night, **hour})
        assert info["time_of_day"] == pytest.approx(hour.get("hour", 0.58))
        second, *_ = env.step(noop())
        bright[name] = float(first["pov"].mean())
        assert float(second["pov"].mean()) == pytest.approx(bright[name], rel=0.1), "and it stays so"
    assert bright["night"] < 0.5 * bright["day"]
    # Pictures alone tell in what light they are; what is dreamt from nothing does not.
    alone, info = env.reset(seed=1, options={"frames": night["frames"], "hour": 0.2})
    assert info["time_of_day"] == pytest.approx(0.2) and alone["pov"].mean() > 1.3 * night["frames"].mean()
    with pytest.raises(ValueError, match="nobody knows in what light"):
        make(write_tiny_world(tmp_path)).reset(options={"hour": 0.2})
    for hour in (1.0, -0.1, "noon"):
        with pytest.raises(ValueError, match="reset option hour is"):
            env.reset(options={"hour": hour})


def test_nobody_passes_by_where_a_dream_begins() -> None:
    """The place's pictures show none, and whoever the first one shows would fray."""
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False).unwrapped
    options = env.start_options("open plains at noon", 1)
    first, _ = env.reset(seed=1, options=options)
    gone = np.abs(first["pov"].astype(int) - options["frames"][0]).max(-1) > 60
    assert 0.01 < gone.mean() < 0.1, "pigs and sheep, and nothing else"
    second, *_ = env.step(noop())
    apart = np.abs(second["pov"].astype(int) - first["pov"]).mean(-1)
    assert apart[gone].mean() < 25, "and that is how the place looks"


def test_pictures_of_ones_own_become_the_hour_that_is_asked_for() -> None:
    """For what they show tells at which they were taken."""
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False, day=4000)
    options = env.unwrapped.start_options("a desert at noon", 1)
    first, info = env.reset(seed=1, options={"frames": options["frames"]})
    assert info["time_of_day"] == pytest.approx(0.2, abs=0.1)
    assert env.step(noop())[4]["time_of_day"] == pytest.approx(info["time_of_day"] + 2 / 4000, abs=1e-5)
    env.unwrapped.set_prompt("late at night")
    for _ in range(25):
        last, *_, info = env.step(noop())
        assert not info["led"]
    assert info["time_of_day"] == pytest.approx(0.59, abs=0.01) and last["pov"].mean() < 0.5 * first["pov"].mean()


def test_who_goes_elsewhere_finds_it_as_late_there() -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, renew=False, day=2000)
    env.reset(seed=1, options={"prompt": "a desert at noon"})
    hours = [env.step(noop())[4]["time_of_day"] for _ in range(20)]
    assert np.diff(hours) == pytest.approx(2 / 2000, abs=1e-5)
    for prompt, hour in (("a forest", hours[-1] + 0.01), ("plains at dusk", 0.5)):
        env.unwrapped.set_prompt(prompt)
        for _ in range(WAIT_CHUNKS + FADE_CHUNKS + 2):
            *_, info = env.step(noop())
        assert not info["led"] and info["time_of_day"] == pytest.approx(hour, abs=0.03)
    for prompt in ("a forest", "at night"):
        env.unwrapped.set_prompt(prompt)
        *_, info = env.step(noop())
    assert info["led"], "who asks for an hour on the way still goes there"
    for _ in range(WAIT_CHUNKS + FADE_CHUNKS + 2):
        *_, info = env.step(noop())
    assert not info["led"] and info["time_of_day"] == pytest.approx(0.58, abs=0.03)


def test_light_may_stand_still(folder: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world="small", num_steps=1, day=0)
    env.reset(seed=1)
    assert len({env.step(noop())[4]["time_of_day"] for _ in range(3)}) == 1
    dark = make(folder)
    _, info = dark.reset(seed=1, options={"frames": some_frames(1), "daylight": [0.2, 0, 0, 0, 0]})
    assert "time_of_day" not in info, "this world has no relighter"


def test_a_prompt_finds_the_picture_that_is_most_like_it(tmp_path: Path) -> None:
    frames = torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 4, 4, 3)
    captions = ["A snowy forest at noon", "Open desert / a desert at night", "A snowy forest / a forest after dark, at night"]
    write_tensors(tmp_path / "starts.safetensors", {"frames": frames}, {"captions": captions})
    starts = StartPictures(tmp_path / "starts.safetensors", 4, 4)
    for prompt, number in (("a snowy forest at night", 2), ("DESERT!", 1), ("noon", 0)):
        assert all(starts.nearest(prompt, seed).frame[0, 0, 0] == number for seed in range(4)), prompt
    assert {int(starts.nearest("", seed).frame[0, 0, 0]) for seed in range(9)} == {0, 1, 2}


def with_pictures(folder: Path) -> Path:
    """A tiny world with two pictures to start from, of a desert and of snow."""
    frames = torch.from_numpy(some_frames(2))
    frames[1] //= 4
    write_tensors(write_tiny_world(folder) / "starts.safetensors", {"frames": frames}, {"captions": ["a desert", "snow"]})
    return folder


def test_a_new_prompt_leads_to_the_picture_most_like_it(tmp_path: Path) -> None:
    env = make(with_pictures(tmp_path), renew=False)
    pictures = env.unwrapped.start_pictures()
    env.reset(seed=1, options={"frames": pictures[:1]})
    env.unwrapped.set_prompt("something else")
    assert not env.step(noop())[4]["led"], "no caption has a word of it"
    env.unwrapped.set_prompt("now let it snow")
    steps = [env.step(noop()) for _ in range(FADE_CHUNKS + 1)]
    assert [info["led"] for *_, info in steps] == [True] * FADE_CHUNKS + [False]
    assert np.array_equal(steps[-2][0]["pov"], pictures[1])


def test_mist_is_led_to_the_picture_most_like_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simworld.env.guide.LEAST_DETAIL", 1e9)  # everything is mist
    folder = with_pictures(tmp_path)
    for renew in (True, False):
        env = make(folder, renew=renew)
        env.reset(seed=1, options={"frames": env.unwrapped.start_pictures()[:1]})
        assert [env.step(noop())[4]["led"] for _ in range(3)] == [False, renew, renew]


def test_who_has_gone_astray_is_led_back_to_something(tmp_path: Path) -> None:
    """Neither who walked far and still sees what was real, nor who looks elsewhere without having walked."""
    env = make(with_pictures(tmp_path))
    for lost, walked, led in ((0.0, 9.0, False), (20.0, 0.5, False), (20.0, 9.0, True)):
        env.reset(seed=1, options={"frames": env.unwrapped.start_pictures()[:1]})
        context = env.unwrapped._started()
        context.scenery.lost = torch.tensor([lost])
        context.around.place = context.around.place + torch.tensor([[0.0, walked, 0.0]])
        assert [env.step(noop())[4]["led"] for _ in range(2)] == [False, led]


def test_detail_tells_mist_from_a_picture() -> None:
    picture = some_frames(1)[0]
    mist = np.full_like(picture, 120) + np.arange(WIDTH, dtype=np.uint8)[:, None] // 8
    assert detail(mist) < LEAST_DETAIL < detail(picture) and detail(picture) == pytest.approx(detail(picture // 2), rel=0.2)


def test_of_many_pictures_one_is_found_by_its_looks(tmp_path: Path) -> None:
    levels = torch.arange(0, 240, 20, dtype=torch.uint8)
    frames = levels[:, None, None, None].expand(-1, 32, 32, 3).contiguous()
    write_tensors(tmp_path / "starts.safetensors", {"frames": frames}, {"captions": [""] * len(levels)})
    starts = StartPictures(tmp_path / "starts.safetensors", 32, 32)
    found = {int(starts.nearest("", seed, like=np.full((32, 32, 3), 103, np.uint8)).frame[0, 0, 0]) for seed in range(20)}
    assert found == {80, 100, 120, 140}


def test_a_world_may_have_no_pictures(folder: Path) -> None:
    assert len(make(folder).unwrapped.start_pictures()) == 0
    assert make(folder).unwrapped.start_options("a desert", 0) == {}
