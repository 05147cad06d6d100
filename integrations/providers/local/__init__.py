from .config import LOCAL

__all__ = ["LOCAL"]
