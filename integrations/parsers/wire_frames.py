"""
Frames on the pipes of a parser process, in MessagePack: never pickle.

A frame is a header and a body. The body is a task or its reply. Both sides decode only into the
types of the tasks (`mail_tasks`, `event_description_tasks`, `calendar_file_tasks`).
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
    """An item, or a whole task, that could not be read within the limits."""

    reason: UnreadableReason
