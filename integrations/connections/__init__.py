"""
What people do with a connection: begin, complete, disconnect, choose a horizon, sync now.

`starting` leads to the consent page, `callback` judges what comes back, `storing`
keeps it in one transaction, in which `products` switches on, resumes and pauses,
`approving` asks an administrator first, `agreements` is what a person agrees to and
withdraws afterwards, and `managing` is everything else.
"""

from .agreements import (
    KeptUntilRemoved,
    NothingToAgreeTo,
    agree_again,
    kept_for,
    kept_products,
    switch_off,
    switch_on,
    withdraw,
    withdraw_item,
)
from .approving import ask_administrator, hear_administrator
from .callback import Callback, complete
from .managing import (
    NotConnected,
    disconnect,
    disconnect_account,
    forget,
    retry_set_aside,
    set_horizon,
    sync_now,
)
from .starting import UnknownProvider, begin

__all__ = [
    "Callback",
    "KeptUntilRemoved",
    "NotConnected",
    "NothingToAgreeTo",
    "UnknownProvider",
    "agree_again",
    "ask_administrator",
    "begin",
    "complete",
    "disconnect",
    "disconnect_account",
    "forget",
    "hear_administrator",
    "kept_for",
    "kept_products",
    "retry_set_aside",
    "set_horizon",
    "switch_off",
    "switch_on",
    "sync_now",
    "withdraw",
    "withdraw_item",
]
