"""VPT contractor data, as published: made here by the description in VPT's own repository, quirks and all."""

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA, SLOT, from_vector
from simworld.training.episode_files import list_episodes, read_episode
from simworld.training.vpt import LogLines, read_index, read_log

Line = dict[str, Any]


def vpt_line(tick: int, **changes: Any) -> Line:
    """A line as a contractor's recorder wrote it; `changes` replace fields, a dict those of `mouse` or `keyboard`."""
    line: Line = {
        "mouse": {
            "x": 640.0, "y": 360.0, "dx": 0.0, "dy": 0.0, "scaledX": 0.0, "scaledY": 0.0, "dwheel": 0.0,
            "buttons": [], "newButtons": [],
        },
        "keyboard": {"keys": [], "newKeys": [], "chars": ""},
        "isGuiOpen": False, "isGuiInventory": False, "hotbar": 0,
        "yaw": -93.59, "pitch": 17.25, "xpos": -144.5, "ypos": 71.0, "zpos": 252.5, "tick": tick,
        "milli": 1627492711338 + 50 * tick,
        "inventory": [{"type": "cobblestone", "quantity": 12}],
        "stats": {"minecraft.custom:minecraft.play_one_minute": tick},
        "serverTick": 1000 + tick, "serverTickDurationMs": 4.75,
    }  # fmt: skip
    for name, value in changes.items():
        line[name] = {**line[name], **value} if isinstance(value, dict) else value
    return line


def write_log(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def write_video(path: Path, num_frames: int) -> None:
    """640x360, 20 Hz, with the long groups and B-frames of an ordinary H.264 file; frame t has brightness 40 + 4 t."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"preset": "medium", "bf": "2", "g": "250"})
        stream.height, stream.width, stream.pix_fmt = 360, 640, "yuv420p"
        for t in range(num_frames):
            picture = np.full((360, 640, 3), 40 + 4 * t, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def actions_of(tmp_path: Path, lines: list[Line]) -> np.ndarray:
    log = read_log(write_log(tmp_path / "a.jsonl", lines))
    assert not log.exact and log.rewards is None
    return log.actions


def pressed(action: np.ndarray) -> set[str]:
    return {name for name, value in from_vector(action).items() if name != "camera" and value}


def test_a_published_pair_loads_unchanged(tmp_path: Path) -> None:
    name = "cheeky-cornflower-setter-02e496ce4abb-20220421-092639"
    lines = [vpt_line(t) for t in range(30)]
    lines[12] = vpt_line(12, keyboard={"keys": ["key.keyboard.w", "key.keyboard.space"]}, mouse={"dx": 3.0, "dy": -5.0})
    write_log(tmp_path / f"{name}.jsonl", lines)
    write_video(tmp_path / f"{name}.mp4", 30)
    assert list_episodes(tmp_path) == [tmp_path / name]
    episode = read_episode(tmp_path / name)
    assert episode.frames.shape == (30, 360, 640, 3)
    np.testing.assert_allclose(episode.frames.mean((1, 2, 3)), 40 + 4 * np.arange(30), atol=2)
    assert np.flatnonzero(episode.actions.any(1)).tolist() == [12]
    assert pressed(episode.actions[12]) == {"forward", "jump"}
    np.testing.assert_array_equal(episode.actions[12, CAMERA], np.float32([-0.75, 0.45]))
    assert (episode.prompts, episode.rewards, episode.terminated) == ([], None, False)


@pytest.mark.parametrize(("num_frames", "num_lines"), [(20, 21), (21, 20)])
def test_one_frame_more_or_less_is_cut(tmp_path: Path, num_frames: int, num_lines: int) -> None:
    write_video(tmp_path / "a.mp4", num_frames)
    write_log(tmp_path / "a.jsonl", [vpt_line(t) for t in range(num_lines)])
    assert len(read_episode(tmp_path / "a")) == 20


def test_every_key_and_button_has_its_action(tmp_path: Path) -> None:
    codes = {
        "w": "forward", "s": "back", "a": "left", "d": "right", "space": "jump", "left.shift": "sneak",
        "left.control": "sprint", "e": "inventory", "q": "drop", "f": "swapHands", "escape": "ESC",
        **{str(n): f"hotbar.{n}" for n in range(1, 10)},
    }  # fmt: skip
    lines = [vpt_line(0)]
    lines += [vpt_line(1, keyboard={"keys": [f"key.keyboard.{code}"]}) for code in codes]
    lines += [vpt_line(1, mouse={"buttons": [button], "newButtons": [button]}) for button in range(3)]
    lines += [vpt_line(1, keyboard={"keys": ["key.keyboard.f3", "key.keyboard.unknown"]}, mouse={"buttons": [4]})]
    expected = [set(), *({name} for name in codes.values()), {"attack"}, {"use"}, {"pickItem"}, set()]
    assert [pressed(action) for action in actions_of(tmp_path, lines)] == expected


def test_the_camera_is_never_rounded(tmp_path: Path) -> None:
    lines = [vpt_line(0, mouse={"dx": 1.0, "dy": -0.5}), vpt_line(1, mouse={"dx": -7.0, "dy": 1199.0})]
    expected = np.array([[-0.5, 1.0], [1199, -7]]) * 360 / 2400
    np.testing.assert_array_equal(actions_of(tmp_path, lines)[:, CAMERA], expected.astype(np.float32))


def test_a_jump_of_the_cursor_is_no_turn(tmp_path: Path) -> None:
    lines = [vpt_line(0, mouse={"dx": 1300.0, "dy": 2.0})]
    np.testing.assert_array_equal(actions_of(tmp_path, lines)[:, CAMERA], np.float32([[0.3, 0]]))


def test_null_and_missing_fields_mean_nothing_was_done(tmp_path: Path) -> None:
    lines = [
        vpt_line(0, mouse=None),
        vpt_line(1, keyboard=None, mouse={"dx": 8.0}),
        vpt_line(2, mouse=None, keyboard=None),
        {"mouse": {"dx": 8.0}, "keyboard": {"keys": ["key.keyboard.w"]}},
        {"mouse": {"dx": None, "buttons": None}, "keyboard": {}, "hotbar": None},
        {},
    ]
    actions = actions_of(tmp_path, lines)
    np.testing.assert_array_equal(actions[:, CAMERA.stop - 1], np.float32([0, 1.2, 0, 1.2, 0, 0]))
    assert [pressed(action) for action in actions] == [set(), set(), set(), {"forward"}, set(), set()]


def test_a_stuck_attack_is_dropped_until_pressed_anew(tmp_path: Path) -> None:
    held = {"buttons": [0, 1], "newButtons": []}
    fresh = {"buttons": [0], "newButtons": [0]}
    lines = [vpt_line(0, mouse=fresh), vpt_line(1, mouse=held), vpt_line(2, mouse=None), vpt_line(3, mouse=held)]
    lines += [vpt_line(4, mouse=fresh), vpt_line(5, mouse=held)]
    attacks = actions_of(tmp_path, lines)[:, [SLOT["attack"], SLOT["use"]]]
    np.testing.assert_array_equal(attacks.T, [[0, 0, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1]])


def test_an_attack_that_is_not_stuck_counts_from_the_first_frame(tmp_path: Path) -> None:
    lines = [
        vpt_line(0, mouse={"buttons": [0], "newButtons": []}),
        vpt_line(1, mouse={"buttons": [0], "newButtons": []}),
    ]
    np.testing.assert_array_equal(actions_of(tmp_path, lines)[:, SLOT["attack"]], [1, 1])


def test_the_wheel_is_seen_in_the_hotbar(tmp_path: Path) -> None:
    slots = [4, 4, 5, None, 5, 0, 8]
    lines = [vpt_line(t, hotbar=slot) for t, slot in enumerate(slots)]
    keys = [pressed(action) for action in actions_of(tmp_path, lines)]
    assert keys == [set(), set(), {"hotbar.6"}, set(), set(), {"hotbar.1"}, {"hotbar.9"}]


def test_frames_with_an_open_gui_stay_but_their_camera_does_not_turn(tmp_path: Path) -> None:
    moved = {"dx": 40.0, "dy": 40.0, "buttons": [0], "newButtons": [0]}
    lines = [vpt_line(0), vpt_line(1, mouse=moved, isGuiOpen=True, isGuiInventory=True), vpt_line(2, mouse=moved)]
    actions = actions_of(tmp_path, lines)
    np.testing.assert_array_equal(actions[:, CAMERA], np.float32([[0, 0], [0, 0], [6, 6]]))
    assert pressed(actions[1]) == {"attack"}


def test_an_index_file_lists_the_episodes_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("b", "a"):
        write_video(tmp_path / "data" / f"{name}.mp4", 2)
        write_log(tmp_path / "data" / f"{name}.jsonl", [vpt_line(0), vpt_line(1)])
    relpaths = ["data/b.mp4", "data/missing.mp4", "data/a.mp4"]
    for basedir in ("https://openaipublic.blob.core.windows.net/minecraft-rl/", str(tmp_path), "."):
        index = tmp_path / "all_6xx_Jun_29.json"
        index.write_text(json.dumps({"basedir": basedir, "relpaths": relpaths}))
        assert read_index(index) == [tmp_path / relpath for relpath in relpaths]
        assert list_episodes(index) == [tmp_path / "data" / "b", tmp_path / "data" / "a"]
    index.write_text('{"basedir": "."}')
    with pytest.raises(ValueError, match="relpaths"):
        list_episodes(index)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (vpt_line(1, mouse={"dx": "left"}), "dx is 'left'"),
        (vpt_line(1, mouse={"dx": float("nan")}), "dx is nan"),
        (vpt_line(1, hotbar=9), "hotbar is 9"),
        (vpt_line(1, mouse=[1]), r"mouse is \[1\]"),
        (vpt_line(1, keyboard={"keys": [{}]}), "keys is"),
    ],
)
def test_wrong_fields_are_refused_with_file_and_line(tmp_path: Path, line: Line, message: str) -> None:
    with pytest.raises(ValueError, match=rf"a\.jsonl, line 2: {message}"):
        actions_of(tmp_path, [vpt_line(0), line])


def test_what_we_write_means_the_same_to_readers_of_vpt(tmp_path: Path) -> None:
    """Our own log, read with `camera` taken away: the actions survive, the camera to within float32."""
    rng = np.random.default_rng(0)
    actions = np.zeros((50, ACTION_SIZE), np.float32)
    actions[:, : CAMERA.start] = rng.integers(2, size=(50, CAMERA.start))
    actions[:, SLOT["hotbar.1"] : SLOT["hotbar.9"] + 1] = 0
    actions[::5, SLOT["hotbar.4"]] = 1
    actions[:, CAMERA] = rng.normal(0, 5, (50, 2))
    actions[:2, SLOT["attack"]] = 1
    writer = LogLines()
    lines = [json.loads(writer.line(action, pose=np.arange(5.0))) for action in actions]
    assert (lines[3]["xpos"], lines[3]["yaw"]) == (0.0, 3.0)
    for line in lines:
        del line["camera"]
    read = actions_of(tmp_path, lines)
    np.testing.assert_array_equal(read[:, : CAMERA.start], actions[:, : CAMERA.start])
    np.testing.assert_allclose(read[:, CAMERA], actions[:, CAMERA], rtol=1e-6)
