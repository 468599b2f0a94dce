"""The ground that a dream stands on, and the gauge that tells from it how sure the dream can be."""

import math
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import noop
from simworld.model import ground
from simworld.model.checkpoint import read_tensors, write_tensors
from simworld.model.context_parts import put_together, take_apart
from simworld.model.gauge import fit, load_gauge, save_gauge
from simworld.model.ground import LEAST, MOST, NUM_SIGNS, Ground
from simworld.training.clip_store import fill_store
from simworld.training.data import DataConfig
from simworld.training.stream import GameplayStream
from simworld.training.train_gauge import GaugeTraining, train
from simworld.training.trusting import spearman

FIELD_OF_VIEW = 70.0
SIZE = (96, 160)
DREAMT, REAL = torch.tensor([False]), torch.tensor([True])


def look(on: Ground, yaw: float, real: torch.Tensor = DREAMT, level: float = 0.0, right: float = 0.0) -> Ground:
    pictures = torch.full((1, *SIZE, 3), level)
    place = torch.tensor([[right, 0.0, 0.0]])
    return ground.look(on, pictures, torch.tensor([[0.0, yaw]]), place, FIELD_OF_VIEW, real)


def worn(on: Ground, yaw: float, pitch: float = 0.0) -> tuple[float, ...]:
    """Of the picture that looks there: the share never shown, and the wear by chunks, blocks and change (geometric means)."""
    signs = ground.signs(on, SIZE, torch.tensor([[pitch, yaw]]), FIELD_OF_VIEW)[0]
    return (float(signs[0]), *(float(signs[1 + kind].exp()) - LEAST[kind] for kind in range(3)))


def fresh() -> Ground:
    return ground.nothing_shown(1, torch.device("cpu"))


def test_what_was_really_shown_is_new_and_the_rest_was_never_shown() -> None:
    on = look(fresh(), 30.0, REAL)
    assert worn(on, 30.0) == pytest.approx((0, 0, 0, 0), abs=1e-4)
    assert worn(on, 210.0) == pytest.approx((1, *MOST), rel=1e-3)
    assert worn(on, 390.0) == worn(on, 30.0), "all the way round is where it was"
    assert 0.3 < worn(on, 75.0)[0] < 0.7, "half of it is seen"
    assert worn(on, 30.0, pitch=-85)[0] == pytest.approx(1), "nor what lies above"
    for far in (-540.0, 540.0):
        assert worn(look(fresh(), far, REAL), far)[0] == 0


def test_ground_wears_where_it_is_dreamt_and_not_where_one_looked_away() -> None:
    on = look(fresh(), 0.0, REAL)
    for _ in range(5):
        on = look(on, 180.0, level=0.1)
    assert worn(on, 180.0)[0] == 1, "what was only dreamt was never shown"
    assert worn(on, 0.0) == pytest.approx((0, 0, 0, 0), abs=1e-4)
    for number in range(4):
        on = look(on, 0.0, level=0.5 * (number % 2))
    never, chunks, blocks, change = worn(on, 0.0)
    assert (never, chunks, blocks) == pytest.approx((0, 4, 0), abs=1e-3) and change == pytest.approx(0.76, abs=0.01)
    assert worn(look(on, 0.0, REAL), 0.0) == pytest.approx((0, 0, 0, 0), abs=1e-4)


def test_walking_wears_all_of_it() -> None:
    on = look(fresh(), 0.0, REAL)
    for number in range(1, 6):
        on = look(on, 180.0, right=0.4 * number)
    assert worn(on, 0.0)[2] == pytest.approx(2.0, abs=1e-3)


def test_who_is_told_what_lies_around_knows_it_in_the_right_directions() -> None:
    known = torch.zeros(1, 1, 270, 540, dtype=torch.bool)
    known[..., 270:405] = True  # from straight ahead to 90 degrees to the right
    told = ground.told(known)
    assert worn(told, 45.0)[0] < 0.2 and worn(told, -135.0)[0] > 0.7
    assert worn(told, 0.0)[0] == pytest.approx(0.5, abs=0.1)
    assert worn(ground.told(torch.ones_like(known)), -170.0, pitch=40)[0] == 0


def test_a_gauge_is_found_again_and_held_to_what_it_has_seen(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    signs = torch.randn(4000, NUM_SIGNS, generator=generator)
    true = torch.tensor([-1.0, -2.0, 0.5, 0.0, 3.0])
    psnr = signs @ true + 20 + 0.1 * torch.randn(4000, generator=generator)
    save_gauge(tmp_path / "gauge.safetensors", fit(signs, psnr), {"moments": 4000})
    gauge = load_gauge(tmp_path / "gauge.safetensors")
    assert torch.allclose(gauge.weights, true, atol=0.01)
    assert torch.allclose(gauge.psnr(signs[:50]), psnr[:50], atol=0.5)
    assert torch.equal(gauge.psnr(100 * gauge.high[None]), gauge.psnr(gauge.high[None]))
    trust = gauge.trust(signs)
    assert torch.equal(trust, gauge.trust(signs * torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0]))), "whatever the scene's contrast"
    assert float(trust.min()) == 0 and float(trust.max()) == 1
    assert float((trust == 0).float().mean()) == pytest.approx(0.05, abs=0.01)
    tensors, header = read_tensors(tmp_path / "gauge.safetensors")
    write_tensors(tmp_path / "gauge.safetensors", {**tensors, "weights": tensors["weights"][:3]}, header)
    with pytest.raises(ValueError, match=r"gauge.safetensors: a gauge of other signs than these 5; fit it anew"):
        load_gauge(tmp_path / "gauge.safetensors")
    write_tensors(tmp_path / "gauge.safetensors", tensors, {**header, "kind": "heads"})
    with pytest.raises(ValueError, match="holds 'heads'"):
        load_gauge(tmp_path / "gauge.safetensors")


def test_ranks_are_told_apart() -> None:
    one = torch.tensor([1.0, 2.0, 2.0, 5.0])
    assert spearman(one, one.exp()) == pytest.approx(1) and spearman(one, -one) == pytest.approx(-1)
    assert spearman(one, torch.zeros(4)) == 0
    assert spearman(one, torch.tensor([1.0, 3.0, 2.0, 4.0])) == pytest.approx(math.sqrt(0.9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world with a gauge, fitted as `simworld train gauge` does."""
    folder = write_tiny_world(tmp_path_factory.mktemp("world"))
    with GameplayStream(1, 23, HEIGHT, WIDTH, num_lanes=2) as stream:
        fill_store(folder / "clips", stream, 8, (23, HEIGHT, WIDTH, 3))
    data = DataConfig(folder=str(folder / "clips"), num_clips=8)
    train(GaugeTraining(world=str(folder), data=data, num_clips=8, batch_clips=2))
    return folder


def walked(env: gymnasium.Env, num_steps: int) -> list[float]:
    action = {**noop(), "forward": 1, "camera": np.array([0, 6], np.float32)}
    return [env.step(action)[4]["trust"] for _ in range(num_steps)]


def test_a_dream_tells_how_sure_it_is_wherever_it_is_gone_on_with(folder: Path) -> None:
    assert read_tensors(folder / "gauge.safetensors")[1]["summary"]["clips"] >= 4
    env = gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=1, renew=False).unwrapped
    frames = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8)
    _, info = env.reset(seed=1, options={"frames": frames})
    assert 0 <= info["trust"] <= 1 and math.isfinite(info["expected_psnr"])
    walked(env, 3)
    state = env.save_state()
    packed = env.pack_state(state)
    expected = walked(env, 5)
    _, info = env.load_state(env.unpack_state(*packed))
    assert walked(env, 5) == expected
    envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=2, world=str(folder), num_steps=1, renew=False).unwrapped
    _, info = envs.reset(seed=[7, 1], options={"frames": frames})
    for _ in range(3):
        action = {name: np.stack([value, value]) for name, value in {**noop(), "forward": 1}.items()}
        info = envs.step({**action, "camera": np.array([[0, 0], [0, 6]], np.float32)})[4]
    assert info["trust"][1] == pytest.approx(state_trust(env, state), abs=0.01)
    _, info = envs.load_state(envs.save_state())
    assert info["trust"][1] == pytest.approx(state_trust(env, state), abs=0.01)


def state_trust(env: gymnasium.Env, state: dict) -> float:
    return float(env.load_state(state)[1]["trust"])  # type: ignore[attr-defined]


def test_what_was_saved_before_ground_was_kept_is_gone_on_with(folder: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=1, renew=False).unwrapped
    env.reset(seed=1)
    state = env.save_state()
    parts = take_apart(state["context"])
    del parts["ground"]
    expected = env.step(noop())[0]["pov"]
    env.load_state({**state, "context": put_together(parts, env.world)})
    assert np.array_equal(env.step(noop())[0]["pov"], expected)


def test_a_world_without_a_gauge_says_nothing(tmp_path: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world=str(write_tiny_world(tmp_path)), num_steps=1)
    assert "trust" not in env.reset(seed=1)[1] and "trust" not in env.step(noop())[4]
