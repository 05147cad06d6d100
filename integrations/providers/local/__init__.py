"""What lives here and in no provider at all."""

from .config import LOCAL

__all__ = ["LOCAL"]
