"""A client of the API of Antares Integrations, for platform features."""

from .antares import Antares
from .api_client import ApiClient, ApiResponse
from .credentials import Credentials
from .errors import (
    AntaresError,
    DelegationEnded,
    HandOverDeclined,
    HandOverFailed,
    ProblemError,
    Refused,
    TokenRefused,
    UnexpectedResponse,
)
from .hand_over import HandedOver, PendingHandOver
from .retries import Retries

__all__ = [
    "Antares",
    "AntaresError",
    "ApiClient",
    "ApiResponse",
    "Credentials",
    "DelegationEnded",
    "HandOverDeclined",
    "HandOverFailed",
    "HandedOver",
    "PendingHandOver",
    "ProblemError",
    "Refused",
    "Retries",
    "TokenRefused",
    "UnexpectedResponse",
]
