"""Several contexts as one, to be stepped together: worlds join a batch, leave it and are replaced in it, whatever their age.

    together = stack([context, another])
    put(together, fresh, [1])        # world 1 begins anew, world 0 goes on
    alone = take(together, [0])

Knows no sampling.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from simworld.model.autoencoder import DecoderState
from simworld.model.context import Context, Goal, copied
from simworld.model.denoiser import Text
from simworld.model.memory import Memory
from simworld.model.records import Record, joined

Join = Callable[[list[Tensor], int], Tensor]
"""Makes one tensor of the same tensor of several contexts, whose worlds lie along an axis."""
Item = TypeVar("Item")


@torch.inference_mode()
def stack(contexts: list[Context]) -> Context:
    """Several contexts as one. ValueError for none, or when some have begun and others have not."""
    if not contexts or len({context.decoder is None for context in contexts}) != 1:
        raise ValueError(f"{len(contexts)} contexts, not all of them begun or all of them new, cannot step together")
    return _joined(contexts, torch.cat, lambda parts: [item for part in parts for item in part])


@torch.inference_mode()
def take(context: Context, numbers: list[int]) -> Context:
    """Some of a context's worlds, by their numbers, as a context of their own that shares nothing."""
    index = torch.tensor(numbers, device=context.memory.entries.device)
    return _joined(
        [context], lambda parts, axis: parts[0].index_select(axis, index), lambda parts: [parts[0][n] for n in numbers]
    )


@torch.inference_mode()
def put(context: Context, part: Context, numbers: list[int]) -> None:
    """Let the worlds of `part` take the places `numbers` in a context. ValueError for another number of them, or when only one
    of the two contexts has begun."""
    if len(numbers) != len(part.prompts) or (context.decoder is None) != (part.decoder is None):
        raise ValueError(f"{len(part.prompts)} worlds for the places {numbers}: as many are needed, begun as the others")
    index = torch.tensor(numbers, device=context.memory.entries.device)

    def placed(parts: list[Tensor], axis: int) -> Tensor:
        return parts[0].index_copy(axis, index, parts[1])

    def listed(parts: list[list[Item]]) -> list[Item]:
        new = dict(zip(numbers, parts[1], strict=True))
        return [new.get(number, item) for number, item in enumerate(parts[0])]

    joined = _joined([context, part], placed, listed)
    for field in fields(Context):
        setattr(context, field.name, getattr(joined, field.name))


def _joined(contexts: list[Context], join: Join, listed: Callable[[list[list]], list]) -> Context:
    """One context whose tensors and lists are made of those of several."""

    def of_worlds(parts: list[Record]) -> Record:
        return joined(parts, lambda tensors: join(tensors, 0))

    memories = [context.memory for context in contexts]
    decoders = [context.decoder for context in contexts if context.decoder is not None]
    goals = [context.goal for context in contexts]
    longest = max(context.text.present.shape[-1] for context in contexts)
    texts = [_padded(context.text, longest) for context in contexts]
    memory = Memory(
        join([memory.entries for memory in memories], 2),
        (join([memory.previous[0] for memory in memories], 0), join([memory.previous[1] for memory in memories], 0)),
        of_worlds([memory.before for memory in memories]),
        join([memory.flow for memory in memories], 0),
        listed([memory.counts for memory in memories]),
        all(memory.written for memory in memories),
    )
    decoder = None
    if decoders:
        features = [join(list(parts), 0) for parts in zip(*(decoder.features for decoder in decoders), strict=True)]
        decoder = DecoderState(join([decoder.picture for decoder in decoders], 0), features)
    keys = [
        (join([text.keys[layer][0] for text in texts], 0), join([text.keys[layer][1] for text in texts], 0))
        for layer in range(len(texts[0].keys))
    ]
    text = Text(keys, join([text.present for text in texts], 0), join([text.whole for text in texts], 0))
    scenery = of_worlds([context.scenery for context in contexts])
    goal = Goal(
        join([goal.pictures for goal in goals], 0),
        join([goal.left for goal in goals], 0),
        join([goal.total for goal in goals], 0),
        of_worlds([goal.around for goal in goals]),
        listed([list(goal.albums) for goal in goals]),
        of_worlds([goal.scenery for goal in goals]),
        of_worlds([goal.daylight for goal in goals]),
        listed([list(goal.grow) for goal in goals]),
        join([goal.due for goal in goals], 0),
    )
    around = of_worlds([context.around for context in contexts])
    ground = of_worlds([context.ground for context in contexts])
    daylight = of_worlds([context.daylight for context in contexts])
    impressions = [context.impression for context in contexts if context.impression is not None]
    impression = of_worlds(impressions) if len(impressions) == len(contexts) else None
    generators = [copied(generator) for generator in listed([context.generators for context in contexts])]
    actions, prompts = join([context.actions for context in contexts], 0), listed([context.prompts for context in contexts])
    albums = listed([context.albums for context in contexts])
    work, grip = of_worlds([context.work for context in contexts]), of_worlds([context.grip for context in contexts])
    own = memory, decoder, around, scenery, albums, actions, work, grip
    return Context(*own, prompts, text, generators, goal, ground, daylight, impression)


def _padded(text: Text, num_tokens: int) -> Text:
    """Text of `num_tokens` tokens, of which the prompt does not have the last."""
    missing = num_tokens - text.present.shape[-1]

    def longer(x: Float[Tensor, "b heads n d"]) -> Float[Tensor, "b heads m d"]:
        return F.pad(x, (0, 0, 0, missing))

    keys = [(longer(keys), longer(values)) for keys, values in text.keys]
    return replace(text, keys=keys, present=F.pad(text.present, (0, missing)))
