"""What cannot be a provider's words: by type, by what was done to it, by name. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Final

from .source import written

# What a type can be made of and still hold no word of a provider's.
_BUILT_IN: Final = (
    "int float bool None datetime date timedelta UUID type Sequence Iterable Iterator list tuple"
    " set frozenset Mapping dict QuerySet Callable Exception"
)
_OURS: Final = (
    "Sealed Permit Permits SyncPermits DataClass Purpose Recipient Actor Fence Sealer Connection"
    " Integration SyncWork ConnectAttempt PurgeJob Message Thread SetAside Attachment Provider"
    " Endpoints AttemptOutcome ConnectionStatus StatusReason Row Reading Asked Owner Claim"
    " Limit Grant Visible Capability MailUnits HttpRequest Request Run Clock Mailbox Access"
    " MailAdapter errors ProviderError"
)
PLAIN: Final = frozenset(f"{_BUILT_IN} {_OURS}".split())
# Sealed, hashed, counted or compared: it is not plaintext any more.
_ENDING: Final = (
    "seal blind mac digest hash len bool int isinstance id type any all count range startswith"
    " endswith isdigit find index fullmatch"
)
ENDS: Final = frozenset(_ENDING.split())
GROWS: Final = frozenset({"append", "add", "update", "extend", "setdefault", "write", "insert"})
# Names that every container, text, row or library has: they lead to no method of ours.
_USUAL: Final = (
    "filter first create save exclude all delete execute close read open exists send encrypt"
    " decrypt sign verify check store call"
)
COMMON: Final = frozenset(
    {name for kind in (str, bytes, dict, list, set, tuple) for name in dir(kind)}
    | set(_USUAL.split())
)


def is_plain(annotation: ast.expr | None, more: Collection[str] = ()) -> bool:
    """Return whether nothing of that type can be a provider's words; `more` is no such word."""
    if annotation is None:
        return False
    return set(re.findall(r"[A-Za-z_]\w*", written(annotation))) <= PLAIN.union(more)
