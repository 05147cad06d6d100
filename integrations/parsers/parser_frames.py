"""
Frames on the pipes of a parser process: MessagePack, never pickle.

Both sides decode only into the types of the tasks.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

import msgspec

from integrations.formats.mime.message import PoisonReason

#: Bytes of the body, seconds of processor time, bytes of memory.
TASK_HEADER: Final = struct.Struct(">QdQ")
REPLY_HEADER: Final = struct.Struct(">Q")

OUT_OF_MEMORY: Final = 3
NOT_ISOLATED: Final = 4

#: Our own word, shown and stored.
UnreadableReason = Literal["too-costly"] | PoisonReason


class UnreadableItem(msgspec.Struct, frozen=True, tag=True):
    """An item or task that could not be read within the limits."""

    reason: UnreadableReason
