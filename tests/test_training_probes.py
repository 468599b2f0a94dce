"""The probes: that they read what is there, and that what is learned from them ranks as it must."""

import json
from dataclasses import replace
from importlib.resources import files
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.actions import CAMERA, KEYS
from simworld.commands.train import compose
from simworld.env.voxel.captions import ask
from simworld.env.voxel.game import Game
from simworld.env.voxel.terrain import BIOMES
from simworld.training import train_probes
from simworld.training.clip_features import NUM_FEATURES, WINDOW, frechet_distance
from simworld.training.probes import ACTIONS, SCENES, load_probes, shipped_probes
from simworld.training.reader_trunk import FINE, SIZE, small
from simworld.training.readings import action_scores, scene_scores
from simworld.training.scenes import seen
from simworld.training.showing import CAVE, KINDS, show, view
from simworld.training.truth import FIRST_SEED, play_truth
from simworld.training.wishes import WORDINGS, wishes


def test_small_pictures_are_means_whatever_the_size() -> None:
    frames = torch.randint(0, 255, (2, 3, 96, 160, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    reduced = small(frames)
    assert reduced.shape == (2, 3, *SIZE, 3) and small(reduced) is reduced
    assert reduced[0, 0, 5, 7].int().tolist() == frames[0, 0, 10:12, 14:16].float().mean((0, 1)).round().int().tolist()
    assert small(frames[..., :40, :64, :]).shape == (2, 3, *SIZE, 3)
    assert small(frames, FINE) is frames and small(reduced, FINE).shape == frames.shape


def test_frechet_distance_is_that_of_normal_distributions() -> None:
    rng = np.random.default_rng(0)
    one = torch.from_numpy(rng.normal(size=(4000, 3)))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, one + torch.tensor([3.0, 0, 0])) == pytest.approx(9, abs=1e-6)
    assert frechet_distance(one, 2 * one) == pytest.approx(3, rel=0.1), "three deviations, each off by one"
    assert frechet_distance(one, 2 * one) == pytest.approx(frechet_distance(2 * one, one))
    with pytest.raises(ValueError, match="at least 2 of each"):
        frechet_distance(one[:1], one)


def test_scores_count_what_is_right() -> None:
    actions = np.zeros((1, 100, len(KEYS) + 2), np.float32)
    actions[0, :40, KEYS.index("forward")] = 1
    actions[0, 50:, CAMERA] = 2
    keys, camera = torch.zeros(1, 100, len(KEYS), dtype=torch.bool), torch.zeros(1, 100, 2)
    keys[0, 20:60, KEYS.index("forward")] = True
    scores = action_scores(keys, camera, actions)
    assert scores.f1 == {"forward": 0.5} and scores.count == {"forward": 40}, "half of it, and half of what was said"
    assert scores.camera_error == 1 and scores.moving_camera_error == 2
    right = action_scores(torch.from_numpy(actions[..., : len(KEYS)] > 0), torch.from_numpy(actions[..., CAMERA]), actions)
    assert scores.share_of(right) == 0.5 and right.camera_error == 0


def test_the_shipped_probes_read_true_frames_of_worlds_they_never_saw() -> None:
    probes = load_probes()
    truth = play_truth(6, 81, 96, 160, first_seed=FIRST_SEED + 100)
    keys, camera = probes.actions.read(torch.from_numpy(truth.frames))
    scores = action_scores(keys, camera, truth.actions)
    stolen = action_scores(keys.roll(1, 0), camera.roll(1, 0), truth.actions)
    assert scores.camera_error < 0.6 * float(np.abs(truth.actions[..., CAMERA]).mean()), "much better than none at all"
    assert scores.mean_f1 > stolen.mean_f1 and scores.camera_error < 0.7 * stolen.camera_error
    late = action_scores(keys[:, 2:], camera[:, 2:], truth.actions[:, :-2])
    assert scores.camera_error < 0.9 * late.camera_error, "actions are read where they happen"
    views = list(islice(seen(iter([FIRST_SEED + 7])), 60))
    found = scene_scores(probes.scenes, views)
    assert found["place"] > 0.7 and found["time"] > 0.8 and found["weather"] > 0.7, found
    amiss = [replace(view, shares={kind: np.roll(share, 1) for kind, share in view.shares.items()}) for view in views]
    assert max(scene_scores(probes.scenes, amiss).values()) < 0.3, "and what is not there is not read"


def test_features_tell_noise_from_play() -> None:
    probes = load_probes()
    one, other = (
        torch.from_numpy(play_truth(8, 4 * WINDOW, 96, 160, first_seed=FIRST_SEED + first).frames) for first in (200, 300)
    )
    features = [probes.clips(frames) for frames in (one, other, one[:, :1].expand_as(one), 255 - one)]
    assert features[0].shape == (32, NUM_FEATURES)
    like, frozen, negative = (frechet_distance(part, features[0]) for part in features[1:])
    assert like < frozen and like < negative


def test_probes_are_trained_by_one_command_that_goes_on_where_it_was(tmp_path: Path) -> None:
    settings = [f"folder={tmp_path}/probes", f"data.folder={tmp_path}/clips", f"scenes.folder={tmp_path}/scenes"]
    few = ["data.num_clips=6", "scenes.num_scenes=40", "loop.steps=8", "scene_loop.steps=8", "check_scenes=8", "check_clips=1"]
    schema = train_probes.ProbesTraining
    train_probes.train(compose("probes", schema, ["probes_preset=debug", *settings, *few]))
    probes = train_probes.train(compose("probes", schema, ["probes_preset=debug", *settings, *few, "loop.steps=16"]))
    card = (tmp_path / "probes" / "README.md").read_text()
    assert "Camera: off by" in card and "| weather |" in card
    assert set(probes.scenes.config.classes) == set(KINDS)
    assert probes.actions.threshold.min() > 0 and probes.actions.threshold.max() < 1
    with pytest.raises(ValueError, match="holds a 'scene_reader'"):
        (tmp_path / "probes" / SCENES).replace(tmp_path / "probes" / ACTIONS)
        load_probes(tmp_path / "probes")


def test_what_is_shipped_is_small_and_says_how_good_it_is() -> None:
    assert sum(path.stat().st_size for path in shipped_probes().iterdir()) < 4e6
    assert "| forward |" in (shipped_probes() / "README.md").read_text()


def test_a_place_is_what_lies_in_view_not_what_one_stands_on() -> None:
    game = Game(*FINE)
    game.reset(FIRST_SEED, biome="plains", time_of_day=0.2, weather="rain")
    x, y, z = game.pose[:3]
    away_x, away_z = np.meshgrid(*((np.arange(256) + 0.5 - at + 128) % 256 - 128 for at in (x, z)), indexing="ij")
    lies = np.where(np.abs(away_z) > np.abs(away_x), np.where(away_z > 0, 0, 2), np.where(away_x < 0, 1, 3))
    names = ("desert", "snow", "swamp", "ocean")
    game.terrain.biome[:] = np.array([BIOMES.index(name) for name in names])[lies]
    game.terrain.biome[int(x) % 256, int(z) % 256] = BIOMES.index("plains")
    assert game.biome == "plains"
    for quarter, name in enumerate(names):
        game.stand(x, y, z, 90.0 * quarter, 0.0)
        ahead = view(game)
        if ahead.tells:
            assert [one for one in names if show([ahead], "place", one)] == [name]
            assert show([ahead], "time", "day") and show([ahead], "weather", "rain") and not show([ahead], "weather", "clear")
    assert ahead.tells
    game.stand(x, y, z, 0.0, 90.0)
    assert not view(game).tells, "the ground before the nose tells of nothing"


def test_held_out_prompts_are_in_words_of_their_own() -> None:
    words = json.loads(files("simworld.env.voxel").joinpath("captions.json").read_text())
    classes = load_probes().scenes.config.classes
    asked = wishes(classes, 100)
    assert {wish.wording for wish in asked} == set(WORDINGS) and CAVE not in {wish.name for wish in asked}
    assert sum(wish.kind == "time" for wish in asked) == 2 * len(classes["time"])
    trained = [text for lists in _leaves(words) for text in lists["train"]]
    held_out = [text for lists in _leaves(words) for text in lists["held_out"]]
    assert not set(held_out) & set(trained)
    for wish in asked:
        if wish.wording == "held_out":
            assert any(text in wish.prompt for text in held_out if "{" not in text), wish
    with pytest.raises(ValueError, match="no words for place 'moon'"):
        ask("place", "moon", np.random.default_rng(0))


def _leaves(words: dict[str, object]) -> list[dict[str, list[str]]]:
    found = []
    for value in words.values():
        assert isinstance(value, dict)
        found += [value] if "train" in value else _leaves(value)
    return found
