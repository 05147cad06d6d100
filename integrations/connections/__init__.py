"""
Connect and disconnect accounts.

`request_admin_consent` asks an administrator, `authorize` leads to the consent page, `callback`
checks the answer, `save_grant` stores the grant, `products` switches integrations on, `consents`
records and withdraws consents, `connection_operations` disconnects.
"""

from integrations.access.fences import NotConnectedError

from .authorize import UnknownProvider, begin_connect
from .callback import OAuthCallback, complete_connect
from .connection_operations import (
    disconnect_account,
    disconnect_for_support,
    disconnect_integration,
    remove_empty_connection,
)
from .consents import (
    LocalCalendarsExist,
    NoEarlierConsent,
    OnInOtherOrganisation,
    agree_in_context,
    get_dependent_products,
    list_dependent_integrations,
    renew_consent,
    switch_off_feature,
    switch_on_feature,
    withdraw_consent,
    withdraw_item_consent,
)
from .request_admin_consent import create_admin_consent_link, record_admin_answer

__all__ = [
    "LocalCalendarsExist",
    "NoEarlierConsent",
    "NotConnectedError",
    "OAuthCallback",
    "OnInOtherOrganisation",
    "UnknownProvider",
    "agree_in_context",
    "begin_connect",
    "complete_connect",
    "create_admin_consent_link",
    "disconnect_account",
    "disconnect_for_support",
    "disconnect_integration",
    "get_dependent_products",
    "list_dependent_integrations",
    "record_admin_answer",
    "remove_empty_connection",
    "renew_consent",
    "switch_off_feature",
    "switch_on_feature",
    "withdraw_consent",
    "withdraw_item_consent",
]
