"""
Frames on the pipes of a parser process: MessagePack, never pickle.

Both sides decode only into the types of the tasks.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

import msgspec

from integrations.formats.mime.message import PoisonReason

#: Task: length of the body in bytes, processor time in seconds, memory in bytes.
TASK_HEADER: Final = struct.Struct(">QdQ")
#: Reply: length of the body in bytes.
REPLY_HEADER: Final = struct.Struct(">Q")

#: Exit statuses: no memory left; isolation is impossible on this machine.
OUT_OF_MEMORY: Final = 3
NOT_ISOLATED: Final = 4

#: Why an item was not read: our own word, shown and stored.
UnreadableReason = Literal["too-costly"] | PoisonReason


class UnreadableItem(msgspec.Struct, frozen=True, tag=True):
    """An item or task that could not be read within the limits."""

    reason: UnreadableReason
