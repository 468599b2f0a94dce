"""The action table, frames and the episode record."""

import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, ACTIONS, CAMERA, KEYS, SLOT, from_vector, noop, to_vector
from simworld.env.spaces import action_space
from simworld.episode import Episode, Prompt
from simworld.frames import check_frames, fit

MINERL_ACTIONS = (
    "ESC attack back camera drop forward hotbar.1 hotbar.2 hotbar.3 hotbar.4 hotbar.5 hotbar.6 hotbar.7 hotbar.8"
    " hotbar.9 inventory jump left pickItem right sneak sprint swapHands use"
)


def test_the_table_is_minerls() -> None:
    assert sorted(noop(), key=str.lower) == sorted(MINERL_ACTIONS.split(), key=str.lower)
    assert ACTION_SIZE == 25 and [SLOT[name] for name in KEYS] == list(range(23))
    assert len({key.binding for key in ACTIONS}) == len({key.vpt for key in ACTIONS}) == len(KEYS) == 23
    assert action_space().contains(noop())


def test_dict_and_vector_are_the_same_action() -> None:
    space = action_space()
    space.seed(0)
    for _ in range(50):
        action = space.sample()
        vector = to_vector(action)
        assert vector.dtype == np.float32 and vector.shape == (ACTION_SIZE,)
        again = from_vector(vector)
        assert space.contains(again)
        assert to_vector(again).tobytes() == vector.tobytes()
        assert all(again[name] == action[name] for name in KEYS)
        np.testing.assert_array_equal(again["camera"], action["camera"])
    assert not to_vector(noop()).any()


def test_the_camera_keeps_fractions_and_its_order() -> None:
    vector = to_vector({**noop(), "camera": [0.15, -7.3]})
    np.testing.assert_array_equal(vector[CAMERA], np.float32([0.15, -7.3]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forward": 2}, r"action\['forward'\] is 2; it must be 0 or 1"),
        ({"forward": "yes"}, "must be 0 or 1"),
        ({"forward": [0, 1]}, "must be 0 or 1"),
        ({"camera": [1.0]}, "two finite numbers"),
        ({"camera": [np.nan, 0]}, "two finite numbers"),
        ({"camera": "left"}, "two finite numbers"),
        ({"camera": None}, "two finite numbers"),
        ({"fly": 1}, r"unknown \['fly'\]"),
    ],
)
def test_wrong_actions_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_vector({**noop(), **change})


def test_missing_keys_and_wrong_shapes_are_refused() -> None:
    action = noop()
    del action["jump"]
    with pytest.raises(ValueError, match=r"missing \['jump'\]"):
        to_vector(action)
    with pytest.raises(ValueError, match=r"shape \(24,\)"):
        from_vector(np.zeros(24, np.float32))


def test_fit_crops_the_middle_and_averages() -> None:
    frames = np.zeros((2, 4, 12, 3), np.uint8)
    frames[:, :, 4:8] = 100
    frames[:, 2:, 4:8] = 200
    np.testing.assert_array_equal(fit(frames, 2, 2)[0, :, :, 0], [[100, 100], [200, 200]])
    np.testing.assert_array_equal(fit(frames, 1, 1)[:, 0, 0, 0], [150, 150])
    assert fit(frames, 4, 12) is frames
    assert fit(frames[0], 8, 24).shape == (8, 24, 3)
    tall = fit(np.full((3, 360, 640, 3), 77, np.uint8), 96, 160)
    assert tall.shape == (3, 96, 160, 3) and (tall == 77).all()


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((1, 4, 4, 3)),
        np.zeros((0, 4, 4, 3), np.uint8),
        np.zeros((1, 4, 4, 1), np.uint8),
    ],
)
def test_what_is_no_frames_is_refused(frames: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"here: frames are .*must be uint8 \(t, h, w, 3\)"):
        check_frames(frames, "here")


def test_an_episode_knows_its_prompts() -> None:
    episode = Episode(*_play(5), prompts=[Prompt(1, "day"), Prompt(3, "night")])
    assert [episode.prompt_at(frame) for frame in range(5)] == ["", "day", "day", "night", "night"]
    assert len(episode) == 5


def test_episodes_that_disagree_with_themselves_are_refused() -> None:
    frames, actions = _play(5)
    with pytest.raises(ValueError, match="actions are float32"):
        Episode(frames, actions[:4])
    with pytest.raises(ValueError, match="actions are float64"):
        Episode(frames, actions.astype(np.float64))
    with pytest.raises(ValueError, match="rewards"):
        Episode(frames, actions, np.zeros(4, np.float32))
    for prompts in ([Prompt(5, "late")], [Prompt(3, "b"), Prompt(1, "a")]):
        with pytest.raises(ValueError, match="prompts start"):
            Episode(frames, actions, prompts=prompts)


def _play(num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((num_frames, 4, 6, 3), np.uint8), np.zeros((num_frames, ACTION_SIZE), np.float32)
