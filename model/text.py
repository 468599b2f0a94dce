"""The built-in text encoder: a prompt's words, each a sum of hashed pieces, through a small transformer, trained along.

A word is itself and its 3- and 4-letter pieces (fastText's way), so that a word never seen still resembles its kin.
Needs no vocabulary file. Any other encoder with `forward(list of prompts) -> TextTokens` can take its place.
"""

import re
import zlib
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

MAX_CHARACTERS = 1000
MAX_PIECES = 16


@dataclass(kw_only=True)
class TextConfig:
    """`buckets`: rows of the table that pieces hash into. `max_words`: what a prompt says beyond is not read."""

    width: int = 256
    depth: int = 2
    num_heads: int = 4
    buckets: int = 8192
    max_words: int = 40


@dataclass
class TextTokens:
    """values: [b, n, width]; the first token stands for the whole prompt. present: False where a prompt is shorter."""

    values: Float[Tensor, "b n width"]
    present: Bool[Tensor, "b n"]


def pieces(prompt: str, config: TextConfig) -> list[list[int]]:
    """Bucket numbers (≥ 1) of the pieces of each word of `prompt`. ValueError above 1,000 characters."""
    if len(prompt) > MAX_CHARACTERS:
        raise ValueError(f"prompt of {len(prompt)} characters; at most {MAX_CHARACTERS} are understood")
    numbers = []
    for word in re.findall(r"\w+", prompt.lower())[: config.max_words]:
        padded = f"<{word}>"
        grams = [padded] + [padded[i : i + n] for n in (3, 4) for i in range(len(padded) - n + 1)]
        numbers.append([1 + zlib.crc32(gram.encode()) % (config.buckets - 1) for gram in grams[:MAX_PIECES]])
    return numbers


class TextEncoder(nn.Module):
    """Prompts to tokens; '' is the learned null prompt."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.table = nn.Embedding(config.buckets, config.width, padding_idx=0)
        self.places = nn.Parameter(torch.zeros(config.max_words, config.width))
        self.whole = nn.Parameter(torch.randn(config.width))
        self.null = nn.Parameter(torch.randn(config.width))
        self.blocks = nn.ModuleList(_Block(config.width, config.num_heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, prompts: list[str]) -> TextTokens:
        """Tokens of each prompt. ValueError for a prompt that is too long."""
        numbers, present = self.tokenise(prompts)
        words = self.table(numbers)
        words = words.sum(2) * (numbers > 0).sum(-1, keepdim=True).clamp(min=1).to(words.dtype).rsqrt()
        is_null = ~present[:, 1:].any(1)
        first = torch.where(is_null[:, None], self.null, self.whole)
        values = torch.cat([first[:, None], words + self.places[: words.shape[1]]], 1)
        for block in self.blocks:
            values = block(values, present)
        return TextTokens(self.norm(values), present)

    def tokenise(self, prompts: list[str]) -> tuple[Int[Tensor, "b words pieces"], Bool[Tensor, "b n"]]:
        """Bucket numbers, 0 where there is no piece, and which tokens (the whole, then the words) are there."""
        words = [pieces(prompt, self.config) for prompt in prompts]
        num_words = max(1, max(map(len, words)))
        numbers = torch.zeros(len(prompts), num_words, MAX_PIECES, dtype=torch.long)
        present = torch.zeros(len(prompts), 1 + num_words, dtype=torch.bool)
        present[:, 0] = True
        for row, of_prompt in enumerate(words):
            present[row, 1 : 1 + len(of_prompt)] = True
            for column, of_word in enumerate(of_prompt):
                numbers[row, column, : len(of_word)] = torch.tensor(of_word)
        device = self.table.weight.device
        return numbers.to(device), present.to(device)


class _Block(nn.Module):
    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(self.norm_1(x)), "b n (s h d) -> s b h n d", s=3, h=self.num_heads)
        seen = F.scaled_dot_product_attention(q, k, v, present[:, None, None])
        x = x + self.out(rearrange(seen, "b h n d -> b n (h d)"))
        return x + self.mlp(self.norm_2(x))
