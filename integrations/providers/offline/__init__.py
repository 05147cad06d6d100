"""What lives here and in no provider at all."""

from .spec import OFFLINE

__all__ = ["OFFLINE"]
