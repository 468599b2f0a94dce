"""Learning what hands do: from what the game says they would, and so that a block appears where one is placed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from learning import learned
from torch import Tensor

from simworld.actions import ACTION_SIZE, SLOT
from simworld.env.voxel.blocks import HOTBAR, LANTERN
from simworld.env.voxel.game import Game
from simworld.env.voxel.strokes import boxes
from simworld.env.voxel.trials import trial
from simworld.model.checkpoint import save_network
from simworld.model.cube import Cube, meet
from simworld.model.grip import read
from simworld.model.hands import MAY_BE, Hands, HandsConfig
from simworld.model.pixels import to_float
from simworld.model.sight import Sight, SightConfig
from simworld.training.deeds import FACTS, PICTURES, DeedsConfig, deeds
from simworld.training.train_hands import HandsTask, HandsTraining

GAME_SIZE = (48, 80)


def game(pitch: float = 50.0) -> Game:
    played = Game(*GAME_SIZE)
    played.reset(5, time_of_day=0.25, weather="clear")
    x, y, z, yaw, _ = played.pose
    played.stand(x, y, z, yaw, pitch)
    return played


def test_a_trial_shows_what_keys_would_do_and_takes_it_back() -> None:
    played, rng = game(), np.random.default_rng(0)
    before, blocks = played.render(), played.blocks.copy()
    tried = trial(played, rng)
    assert np.array_equal(played.blocks, blocks) and np.array_equal(played.render(), before)
    assert np.array_equal(tried.before, before) and tried.toughness > 0 and tried.can_place
    middle = (slice(20, 28), slice(36, 44))
    for after in (tried.broken, tried.placed):
        assert np.abs(after[middle].astype(int) - before[middle]).mean() > 10
    # The game itself, told to dig for so long, comes to the same; its animals and clouds have moved on a little.
    attack = np.zeros(ACTION_SIZE, np.float32)
    attack[SLOT["attack"]] = 1
    for _ in range(tried.toughness):
        played.step(attack)
    assert played.broken, "after so many steps, and not before"
    assert np.abs(played.render()[middle].astype(int) - tried.broken[middle]).mean() < 5


def test_where_nothing_is_in_reach_nothing_happens() -> None:
    tried = trial(game(pitch=-80.0), np.random.default_rng(1))
    assert tried.toughness == 0 and not tried.can_place and tried.progress == 0
    assert np.array_equal(tried.broken, tried.before) and np.array_equal(tried.placed, tried.before)


def test_a_store_is_tried_out_once(tmp_path: Path) -> None:
    config = DeedsConfig(folder=str(tmp_path / "deeds"), num_trials=24, height=48, width=80)
    store = deeds(config)
    assert store.pictures.shape == (24, len(PICTURES), 48, 80, 3) and store.facts.shape == (24, sum(FACTS.values()))
    toughness, can_place = store.fact("toughness"), store.fact("can_place")
    assert len(set(toughness)) > 3 and 0 < can_place.mean() < 1
    changed = (tmp_path / "deeds" / "facts.npy").stat().st_mtime
    assert np.array_equal(deeds(config).facts, store.facts)
    assert (tmp_path / "deeds" / "facts.npy").stat().st_mtime == changed
    with pytest.raises(ValueError, match="holds 24 trials of 48×80 pixels, not 30 of 48×80"):
        deeds(DeedsConfig(folder=config.folder, num_trials=30, height=48, width=80))


def test_blocks_are_told_where_they_are_seen() -> None:
    """The pixels that break are those that the cube says."""
    tried = trial(game(), np.random.default_rng(2))
    aimed = Cube(torch.tensor(tried.aimed, dtype=torch.float32)[None], torch.tensor([tried.turn]))
    met = meet(aimed, torch.tensor([tried.pitch]), GAME_SIZE, 70.0).met[0]
    changed = torch.from_numpy(np.abs(tried.broken.astype(int) - tried.bare).max(-1) > 25)
    assert float(met[changed].float().mean()) > 0.95 and float(changed[met].float().mean()) > 0.4


def test_what_is_smaller_than_a_cube_is_met_where_it_stands() -> None:
    played = game()
    number = HOTBAR.index(LANTERN)
    played.held = LANTERN
    tried = trial(played, np.random.default_rng(2))
    hands = Hands(replace(MODEL, boxes=boxes()))
    held = F.one_hot(torch.tensor([number]), len(HOTBAR)).float()
    place = Cube(torch.tensor(tried.place, dtype=torch.float32)[None], torch.tensor([tried.turn]), hands.box(held))
    whole, small = (
        meet(each, torch.tensor([tried.pitch]), GAME_SIZE, 70.0).met[0] for each in (replace(place, box=None), place)
    )
    changed = torch.from_numpy(np.abs(tried.placed.astype(np.float32) - tried.bare).mean(-1))
    assert int(small.sum()) < 0.6 * int(whole.sum())
    assert float(changed[small].mean()) > 3 * float(changed[whole & ~small].mean()), "what is about it is but lit up"


MODEL = HandsConfig(height=48, width=80, widths=[16, 32, 32], told=32)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> HandsTraining:
    """Of small hands, on a few trials."""
    folder = tmp_path_factory.mktemp("hands")
    save_network(folder / "sight.safetensors", Sight(SightConfig(widths=[8], blocks=[1], hidden=16)), {}, torch.float32)
    data = DeedsConfig(folder=str(folder / "deeds"), num_trials=64, height=48, width=80)
    return HandsTraining(model=MODEL, data=data, sight=str(folder / "sight.safetensors"), batch_size=16, color_share=0.5)


def test_hands_learn_where_blocks_are_and_what_they_look_like(training: HandsTraining) -> None:
    learning = HandsTask(training, deeds(training.data))
    picture = game().render()
    assert read(learning.model.looks, to_float(torch.from_numpy(picture)[None]).movedim(-1, 1)).known, "how hands look is known"
    told = learned(learning, 120, 3e-3, "apart", "tough", "placed", "broken")
    before, after = np.mean(told[:10], 0), np.mean(told[-10:], 0)
    assert (after < 0.8 * before).all(), f"{before} {after}"
    assert (Path(training.data.folder) / "near.npy").exists(), "what sight tells is kept"


def changed(learning: HandsTask, before: dict[str, Tensor]) -> set[str]:
    """The parts of hands that are not as before."""
    after = learning.model.state_dict()
    return {name.split(".")[0] for name, weights in before.items() if not torch.equal(weights, after[name])}


def test_what_lies_behind_is_learned_from_nearby_alone(training: HandsTraining) -> None:
    config = replace(training, model=replace(MODEL, squeezed=8, matter=[16, 32]), only="behind", color_share=1.0)
    learning = HandsTask(config, deeds(training.data))
    before = {name: weights.clone() for name, weights in learning.model.state_dict().items()}
    told = learned(learning, 120, 3e-3, "broken")
    assert np.mean(told[-10:]) < 0.8 * np.mean(told[:10]), told
    assert changed(learning, before) == {"behind", "broken_faces"}
    near = torch.full((1, 1, *GAME_SIZE), 0.5)
    met = meet(Cube(torch.tensor([[0.0, 1.5, 1.5]]), torch.zeros(1)), torch.tensor([40.0]), GAME_SIZE, 70.0)
    picture = to_float(torch.from_numpy(game().render())[None]).movedim(-1, 1)
    other = picture.clone()
    other[..., 21:27, 37:43] *= -1
    one, two = (learning.model.broken(each, near, met) for each in (picture, other))
    assert float((one - two).detach().abs()[..., met.met[0]].max()) > 1e-3, "it hears what is before the crosshair"


def test_where_blocks_lie_is_learned_alone(training: HandsTraining) -> None:
    learning = HandsTask(replace(training, only="aim"), deeds(training.data))
    before = {name: weights.clone() for name, weights in learning.model.state_dict().items()}
    told = learned(learning, 100, 3e-3, "apart")
    assert np.mean(told[-10:]) < 0.8 * np.mean(told[:10]), told
    assert changed(learning, before) == {"see", "aim_layers"}


def test_how_long_things_withstand_is_learned_from_nearby_alone(training: HandsTraining) -> None:
    model = replace(MODEL, squeezed=8, matter=[16, 32])
    learning = HandsTask(replace(training, model=model, only="matter"), deeds(training.data))
    before = {name: weights.clone() for name, weights in learning.model.state_dict().items()}
    told = learned(learning, 150, 3e-3, "tough")
    assert np.mean(told[-10:]) < 0.6 * np.mean(told[:10]), told
    assert changed(learning, before) == {"matter"}
    picture = to_float(torch.from_numpy(game().render())[None]).movedim(-1, 1)
    aim = learning.model.aim_twice(picture, torch.full((1, 1, *GAME_SIZE), 0.5), torch.tensor([40.0]))
    assert aim.frames is not None
    share = aim.frames.softmax(1)[0]
    number = round(float(aim.read[0, 2].exp()))
    assert share[:number].sum() >= MAY_BE > share[: number - 1].sum()
    with pytest.raises(ValueError, match=r"only=hats; hands learn one of aim, matter, behind, placed alone"):
        HandsTask(replace(training, only="hats"), deeds(training.data))
    with pytest.raises(ValueError, match=r"only=matter, but model.matter is empty"):
        HandsTask(replace(training, only="matter"), deeds(training.data))
