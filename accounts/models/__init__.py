from accounts.models.alarm import Alarm, AlarmKind
from accounts.models.client import (
    CLIENT_PURPOSE,
    AuthorizationCode,
    ClientChangeKind,
    ClientChangeRefusal,
    ClientHour,
    ServiceClient,
    ServiceClientChange,
    ServiceToken,
    UsedAssertion,
    UserMinute,
)
from accounts.models.delegation import Delegation
from accounts.models.organisation import Membership, Organisation
from accounts.models.rate_limits import KnownNetwork, RateCount
from accounts.models.session import Session
from accounts.models.time_preferences import DateFormat
from accounts.models.user import User

__all__ = [
    "CLIENT_PURPOSE",
    "Alarm",
    "AlarmKind",
    "AuthorizationCode",
    "ClientChangeKind",
    "ClientChangeRefusal",
    "ClientHour",
    "DateFormat",
    "Delegation",
    "KnownNetwork",
    "Membership",
    "Organisation",
    "RateCount",
    "ServiceClient",
    "ServiceClientChange",
    "ServiceToken",
    "Session",
    "UsedAssertion",
    "User",
    "UserMinute",
]
