"""How much of everything: as it is measured, or a little, to see that a benchmark runs at all."""

from __future__ import annotations

import os
from typing import Final

#: Set for the processes of a run with `--tiny`.
TINY: Final = "BENCH_TINY"


def choose_size(full: int, *, tiny: int) -> int:
    return tiny if os.environ.get(TINY) else full
