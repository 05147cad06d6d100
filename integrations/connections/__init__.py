"""
Connect and disconnect accounts.

`starting` leads to the consent page, `callback` checks the answer, `storing` saves the grant in one
transaction, in which `products` switches integrations on, resumes and pauses them. `approving` asks
an administrator first, `agreements` records and withdraws consents, and `managing` disconnects.
"""

from integrations.access.fences import NotConnected

from .authorize import UnknownProvider, begin
from .callback import Callback, complete
from .consents import (
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
from .operations import disconnect, disconnect_account, forget
from .request_admin_consent import ask_administrator, hear_administrator

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
    "switch_off",
    "switch_on",
    "withdraw",
    "withdraw_item",
]
