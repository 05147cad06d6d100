from __future__ import annotations

from contextvars import ContextVar
from typing import Final

#: For this thread's next calls; 0: the adapter decides.
requests_at_once: Final[ContextVar[int]] = ContextVar("requests_at_once", default=0)
