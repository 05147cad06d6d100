"""What lives here and in no provider at all."""

from .config import OFFLINE

__all__ = ["OFFLINE"]
