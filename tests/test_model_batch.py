"""Worlds of one batch go on as they would alone, whatever their age; forks share what neither has written to."""

import copy
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_world import HEIGHT, WIDTH, tiny_world
from torch import Tensor

from simworld.model import batch, sampler
from simworld.model.context import Context
from simworld.model.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return tiny_world()


def actions(num_chunks: int, b: int = 1, seed: int = 4) -> Tensor:
    return torch.randn(num_chunks, b, 2, 25, generator=torch.Generator().manual_seed(seed))


def dream_of(world: World, prompt: str, seed: int, age: int) -> Context:
    """A dream that has gone on for `age` chunks."""
    context = sampler.start(world, [prompt], [seed])
    sampler.extend(world, context, None, 1)
    for action in actions(age, seed=seed):
        sampler.extend(world, context, action, 1)
    return context


def go_on(world: World, context: Context, doing: Tensor) -> Tensor:
    return torch.cat([sampler.extend(world, context, action, 2) for action in doing], 1).int()


def apart(one: Context, other: Context) -> float:
    """How far the latest latents of two contexts are from each other. Sums of another order round differently, and an untrained
    world makes 20 times more of it with every chunk: 1e-4 after one, 1e-2 after two."""
    return float((one.memory.previous[0] - other.memory.previous[0]).abs().max())


AGES = [0, 2, 4, 5, 9]
"""The tiny world remembers 6 latents: some of these have a full memory, some not, and their slots differ."""


def test_worlds_of_any_age_step_together_as_they_would_alone(world: World) -> None:
    alone = [dream_of(world, "a desert" if age % 2 else "", age, age) for age in AGES]
    for doing in actions(8, len(AGES)):
        together = batch.stack(alone)
        frames = go_on(world, together, doing[None])
        separate = torch.cat([go_on(world, context, doing[None, i : i + 1]) for i, context in enumerate(alone)])
        assert (frames - separate).abs().max() <= 1 and apart(together, batch.stack(alone)) < 5e-4
    assert together.memory.counts == [age + 9 for age in AGES]


def test_a_world_sees_nothing_of_what_others_have_written(world: World) -> None:
    """Slots that only older worlds have filled are hidden: whatever lies in them changes nothing."""
    together = batch.stack([dream_of(world, "", 1, 0), dream_of(world, "", 2, 4)])
    spoilt = together.fork()
    spoilt.memory.own()
    spoilt.memory.entries[:, :, 0, :, 1:] = 7.0
    doing = actions(1, 2)
    assert torch.equal(go_on(world, together, doing), go_on(world, spoilt, doing))


def test_a_world_that_begins_anew_leaves_the_others_alone(world: World) -> None:
    together = batch.stack([dream_of(world, "rain", seed, 7) for seed in range(3)])
    untouched = together.fork()
    fresh = dream_of(world, "a much longer prompt than the others have, of a desert at noon", 9, 1)
    batch.put(together, fresh, [1])
    doing = actions(1, 3)
    frames, before = go_on(world, together, doing), go_on(world, untouched, doing)
    assert (frames[[0, 2]] - before[[0, 2]]).abs().max() <= 1
    assert (frames[1:2] - go_on(world, fresh, doing[:, 1:2])).abs().max() <= 1
    assert (frames[1] - before[1]).abs().max() > 1 and together.prompts == ["rain", fresh.prompts[0], "rain"]
    assert apart(batch.take(together, [1]), fresh) < 5e-4


def test_a_batch_goes_on_by_its_own_memory(world: World) -> None:
    """What a batch of worlds of several ages writes, its worlds find again."""
    together = batch.stack([dream_of(world, "", seed, age) for seed, age in ((1, 1), (2, 6), (3, 3))])
    go_on(world, together, actions(1, 3))
    singles = [batch.take(together, [number]) for number in range(3)]
    doing = actions(1, 3, seed=5)
    go_on(world, together, doing)
    for number, single in enumerate(singles):
        go_on(world, single, doing[:, number : number + 1])
        assert apart(batch.take(together, [number]), single) < 5e-4


def test_a_world_taken_from_a_batch_goes_on_alone(world: World) -> None:
    together = batch.stack([dream_of(world, "", seed, age) for seed, age in ((1, 1), (2, 6), (3, 3))])
    pair = batch.take(together, [2, 0])
    doing = actions(1, 3)
    assert (go_on(world, pair, doing[:, [2, 0]]) - go_on(world, together, doing)[[2, 0]]).abs().max() <= 1


def test_worlds_that_have_not_begun_cannot_join_those_that_have(world: World) -> None:
    new, begun = sampler.start(world, [""], [0]), dream_of(world, "", 0, 1)
    with pytest.raises(ValueError, match="cannot step together"):
        batch.stack([new, begun])
    with pytest.raises(ValueError, match="1 worlds for the places"):
        batch.put(begun, new, [0])
    with pytest.raises(ValueError, match="1 worlds for the places"):
        batch.put(begun, begun.fork(), [0, 1])


def test_a_fork_copies_only_what_is_written_to(world: World) -> None:
    context = dream_of(world, "", 1, 3)
    forks = [context.fork() for _ in range(3)]
    kept = context.memory.entries
    assert all(fork.memory.entries is kept for fork in forks)
    before = kept.clone()
    frames = [go_on(world, fork, actions(2)) for fork in forks]
    assert torch.equal(frames[0], frames[1]) and torch.equal(kept, before), "siblings write to copies of their own"
    assert torch.equal(go_on(world, context, actions(2)), frames[0])
    assert torch.equal(forks[2].memory.entries, context.memory.entries) and torch.equal(kept, before)


def test_a_thousand_forks_take_no_time(world: World) -> None:
    context = dream_of(world, "", 1, 7)
    started = time.process_time()
    forks = [context.fork() for _ in range(1000)]
    assert time.process_time() - started < 1 and all(fork.memory.entries is context.memory.entries for fork in forks)


GO_ON = """
import pickle, sys, torch
from tiny_world import tiny_world
from simworld.model import sampler
world, context = tiny_world(), pickle.load(open(sys.argv[1], "rb"))
actions = torch.randn(3, 1, 2, 25, generator=torch.Generator().manual_seed(4))
torch.save(torch.cat([sampler.extend(world, context, action, 2) for action in actions], 1), sys.argv[2])
"""


def test_a_context_goes_on_exactly_in_another_process(world: World, tmp_path: Path) -> None:
    context = dream_of(world, "a snowy forest", 1, 8)
    (tmp_path / "context").write_bytes(pickle.dumps(context))
    command = [sys.executable, "-c", GO_ON, str(tmp_path / "context"), str(tmp_path / "frames")]
    subprocess.run(command, cwd=Path(__file__).parent, check=True)
    twin = copy.deepcopy(context)
    frames = go_on(world, context, actions(3))
    assert frames.shape == (1, 6, HEIGHT, WIDTH, 3)
    assert torch.equal(torch.load(tmp_path / "frames").int(), frames) and torch.equal(go_on(world, twin, actions(3)), frames)
