"""docs/agents.md, run block by block as a reader would."""

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "agents.md"


def test_the_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) >= 4 and names["truncated"].tolist() == [False, False] and names["futures"].shape == (3, 2, 96, 160, 3)
    left, _, right = names["futures"][:, -1].float()
    assert (left - right).abs().mean() > 3, "futures differ"
    assert names["env"].observation_space.shape == (96, 160, 3) and names["env"].action_space.n == 16
