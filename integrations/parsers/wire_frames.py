"""
What crosses the pipe to a parser process and back, in MessagePack: never pickle.

A frame is a header and a body. To the process the body is a task, to the service its reply. Both
sides decode into the types of the tasks alone (`mail_tasks`, `calendar_tasks`).
"""

from __future__ import annotations

import struct
from typing import Final, Literal

import msgspec

from integrations.formats.mime.message import PoisonReason

#: Of a task: length of the body in bytes, processor time in seconds, memory in bytes.
TASK_HEADER: Final = struct.Struct(">QdQ")
#: Of a reply: length of the body in bytes.
REPLY_HEADER: Final = struct.Struct(">Q")

#: What a process ends with that has no memory left, and one that cannot serve here at all.
OUT_OF_MEMORY: Final = 3
NOT_ISOLATED: Final = 4

#: Why something was not read, in a word that the service shows and stores.
UnreadableReason = Literal["too-costly"] | PoisonReason


class UnreadableItem(msgspec.Struct, frozen=True, tag=True):
    """An item, or a whole task, that could not be read within the limits."""

    reason: UnreadableReason
