"""The measures rank what they must: equal pictures above different ones, the game above copying above an untrained world."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import write_tiny_world

from simworld.model.gauge import fit, save_gauge
from simworld.model.ground import NUM_SIGNS
from simworld.training.evaluate import Suite, evaluate
from simworld.training.metrics import psnr, sharpness, ssim
from simworld.training.players import Game, make_player
from simworld.training.probes import load_probes
from simworld.training.prompting import prompting
from simworld.training.truth import Moment, Truth, play_script, play_truth
from simworld.training.wishes import Wish

SHORT = Suite(clips=2, away=(0.4,), long_clips=2, stand=2, play=4, places=0, prompts=0, walk=0, step_clips=0)


def test_likeness_falls_with_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 255, (2, 32, 48, 3), generator=generator, dtype=torch.uint8)
    scores = []
    for noise in (0, 5, 20, 60):
        noisy = (picture + noise * torch.randn(picture.shape, generator=generator)).clamp(0, 255).to(torch.uint8)
        scores.append((float(psnr(picture, noisy).mean()), float(ssim(picture, noisy).mean())))
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx((60, 1), abs=1e-3)
    assert float(psnr(picture, (picture.int() + 1).clamp(0, 255).to(torch.uint8)).mean()) == pytest.approx(48.13, abs=0.1)


def test_sharpness_falls_with_blur() -> None:
    picture = torch.randint(0, 255, (1, 32, 48, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    blurred = torch.nn.functional.avg_pool2d(picture.float().movedim(-1, 1), 3, 1, 1).movedim(1, -1).to(torch.uint8)
    assert float(sharpness(blurred)) < 0.5 * float(sharpness(picture)) and float(sharpness(picture * 0)) == 0


def test_the_truth_keeps_to_evaluation_seeds() -> None:
    with pytest.raises(ValueError, match="seed 5 is a training seed"):
        play_truth(1, 3, 32, 48, first_seed=5)
    one, two = play_truth(2, 5, 32, 48), play_truth(2, 5, 32, 48)
    assert (one.frames == two.frames).all() and one.frames.shape == (2, 5, 32, 48, 3)
    assert all(one.captions)


def test_a_script_is_followed_to_the_letter() -> None:
    moments = (Moment("act", 40, keys=("attack",), must="break"), Moment("rest", 8), Moment("turn", 4, (0, 10)))
    truth = play_script(moments, 2, 32, 48, known=5, prepare=(Moment("down", 8, (6, 0)),))
    assert truth.frames.shape == (2, 5 + 52, 32, 48, 3) and truth.ends == {"known": 4, "act": 44, "rest": 52, "turn": 56}
    assert not truth.actions[:, :4].any(), "until all is known, nothing is done"
    held = truth.actions[:, 4:44, 7].sum(1)
    assert (held > 2).all() and (held < 40).all(), "attack is held until something breaks"
    before, after = (truth.frames[:, place].astype(int) for place in (4, 52))
    changed = np.abs(after - before).max(-1) > 40
    assert (changed.mean((1, 2)) > 0.01).all(), "and then it is gone"
    assert np.array_equal(truth.actions[0, 52:, -1], [10] * 4)
    with pytest.raises(ValueError, match="only 0 of 1 clips"):
        dig = Moment("dig", 4, keys=("attack",), must="break")
        play_script((dig,), 1, 32, 48, known=5, prepare=(Moment("up", 8, (-9, 0)),))


def test_the_game_is_above_copying_and_copying_above_an_untrained_world(tmp_path: Path) -> None:
    world = str(write_tiny_world(tmp_path))
    signs = torch.rand(50, NUM_SIGNS, generator=torch.Generator().manual_seed(0))
    save_gauge(tmp_path / "gauge.safetensors", fit(signs, 20 - 3 * signs.sum(1)), {})
    game, copy, untrained = (evaluate(name, SHORT, num_steps=1) for name in ("game", "copy-last-frame", world))
    assert game["horizon"]["8"]["dream_psnr"] == 60
    assert "ceiling_psnr" in untrained["horizon"]["8"] and "ceiling_psnr" not in game["horizon"]["8"]
    assert copy["horizon"]["8"]["gain_psnr"] == 0 > untrained["horizon"]["8"]["gain_psnr"]
    returned = [figures["return_after_0.4s"] for figures in (game, copy, untrained)]
    assert returned[0]["away_psnr"] > returned[1]["away_psnr"] and returned[0]["psnr"] == returned[0]["truth_psnr"]
    assert returned[0]["psnr"] > returned[2]["psnr"]
    for what in ("break_lasts_0.4s", "place_lasts_0.4s"):
        assert game[what] == {"at_once": 1, "in_the_end": 1} and copy[what] == {"at_once": 0, "in_the_end": 0}
    still = [figures["standing_still"] for figures in (game, copy, untrained)]
    assert still[0]["psnr_drift"] == 0 and still[0]["sharpness_ratio"] == 1
    assert still[1]["psnr_last_second"] > still[2]["psnr_last_second"]
    plays = [figures["long_play"] for figures in (game, copy, untrained)]
    blind = [{name: value for name, value in play.items() if name.endswith("_elsewhere")} for play in plays]
    assert [len(play) for play in plays] == [9] * 3 and {plays[0][name] for name in set(plays[0]) - set(blind[0])} == {1}
    assert len(blind[0]) == 3 and blind[0] == blind[1] and set(blind[0].values()) != {1}
    assert "trust" not in game and set(untrained["trust"]) >= {"trust", "expected_psnr_at_equal_chunks", "clock_alone", "off"}
    assert all(-1 <= value <= 1 for name, value in untrained["trust"].items() if name != "off")
    followed = [figures["following"] for figures in (game, copy, untrained)]
    shares = [one["keys_share_of_ceiling"] for one in followed]
    assert shares[0] == 1 > max(shares[1:])
    assert followed[0]["camera_degrees"] == followed[0]["camera_degrees_ceiling"]
    assert followed[0]["camera_degrees"] < 0.8 * min(followed[1]["camera_degrees"], followed[2]["camera_degrees"])
    apart = [figures["likeness"]["distance"] for figures in (game, copy, untrained)]
    assert apart[0] == game["likeness"]["floor"] < apart[1] < apart[2]
    assert untrained["shuffled_action_ratio"] == pytest.approx(1, abs=0.1) and "shuffled_action_ratio" not in game
    with pytest.raises(ValueError, match="suite is 'enormous'"):
        evaluate(world, "enormous")
    with pytest.raises(ValueError, match="seeds is 1"):
        evaluate(world, num_seeds=1)


class Contrary(Game):
    """Grants another wish than was made."""

    def prompted(self, truth: Truth, asked: list[Wish]) -> np.ndarray:
        others = {"plains": "savanna", "low sun": "night", "clear": "storm"}
        return super().prompted(truth, [replace(wish, name=others[wish.name]) for wish in asked])


def test_prompts_bring_about_what_they_say_in_the_game_and_nothing_in_a_frozen_picture(tmp_path: Path) -> None:
    reader, world = load_probes().scenes, str(write_tiny_world(tmp_path))
    players = (make_player("game"), Contrary(), make_player("copy-last-frame"), make_player(world, 1))
    game, contrary, copy, untrained = (prompting(player, reader, 1, 4).figures for player in players)
    for wording in ("train", "held_out"):
        assert game[f"triggered_{wording}"] == game[f"triggered_{wording}_ceiling"] >= 2 / 3
        assert copy[f"triggered_{wording}"] == copy[f"kept_{wording}"] == 0, "none begins where it is asked for"
        assert contrary[f"triggered_{wording}"] == contrary[f"kept_{wording}"] == 0, "something else is not what was asked for"
        assert untrained[f"triggered_{wording}"] < game[f"triggered_{wording}"]


def test_figures_report_and_sheets_are_written(tmp_path: Path) -> None:
    out, suite = tmp_path / "out", Suite(2, (0.4,), 0, 0, 0, 0, 1, 0.2, 2)
    figures = evaluate(str(write_tiny_world(tmp_path)), suite, num_steps=1, out=str(out))
    assert json.loads((out / "figures.json").read_text()) == figures
    report = (out / "report.md").read_text()
    assert [row["evaluations"] for row in figures["steps"].values()] == [1, 2, 4, 8]
    assert all(row["frames_per_second"] > 0 for row in figures["steps"].values())
    for name in ("horizon", "following", "steps", "prompts"):
        assert f"({name}_plot.png)" in report and (out / f"{name}_plot.png").stat().st_size > 1000, name
    assert "| forward |" in report and "keys share of ceiling" in report
    others = {"world", "num_steps", "clips", "first_seed", "shuffled_action_ratio", "following", "likeness", "steps"}
    for name in figures.keys() - others:
        assert f"({name}.png)" in report and (out / f"{name}.png").stat().st_size > 1000, name
    assert not list(out.glob("*.tmp"))


def test_who_stops_it_keeps_the_figures_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    measures = {"horizon": lambda: {"psnr": 21.5}, "likeness": lambda: 4.9, "prompts": stopped}
    monkeypatch.setattr("simworld.training.evaluate._measures", lambda *_: measures.items())
    with pytest.raises(KeyboardInterrupt):
        evaluate("copy-last-frame", SHORT, out=str(tmp_path / "out"), json_path=str(tmp_path / "alone.json"))
    found, alone = (json.loads((tmp_path / name).read_text()) for name in ("out/figures.json", "alone.json"))
    assert found == alone and found["horizon"] == {"psnr": 21.5} and found["likeness"] == 4.9 and "prompts" not in found
