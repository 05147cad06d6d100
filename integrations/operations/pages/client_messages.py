"""Texts of the pages of service clients that are not in templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from accounts.models import ClientChangeKind, ClientChangeRefusal
from limited_use.agreements.service_clients import OperatorChannel

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

REGISTER_ACTION: Final = _("Register a service client")
KEYS_ACTION: Final = _("Replace the keys of a service client")
REDIRECTS_ACTION: Final = _("Replace the redirect URIs of a service client")
RETIRE_ACTION: Final = _("Retire a service client")

APPROVE_ACTION: Final = _("Approve a change of a service client")

PROPOSED: Final = _("The change is proposed. Another operator has to approve it within 24 hours.")
RETIRING: Final = _("Antares retires the client within a minute.")
APPROVED: Final = _("The change is approved. Antares applies it within a minute.")
NOT_APPROVABLE: Final = _(
    "Nothing changed: another operator has to approve a change, within 24 hours and once."
)
EXISTS: Final = _("Nothing changed: this feature has a client.")
RETIRED_BEFORE: Final = _("Nothing changed: this client is retired.")

PURPOSES: Final = _("Purposes")
PURPOSES_HINT: Final = _("The client gets tokens for these purposes only.")
PURPOSES_REQUIRED: Final = _("Tick at least one purpose.")
KEYS: Final = _("Public keys")
KEYS_HINT: Final = _(
    'A JSON Web Key Set: {"keys": […]}. RSA keys of 2,048 bits or more, or P-256 keys, each with'
    ' its own "kid". After an error the field is empty, unless it contains public keys only.'
)
KEYS_REQUIRED: Final = _("Enter the public keys.")
REDIRECTS: Final = _("Redirect URIs")
REDIRECTS_HINT: Final = _(
    "One per line, at most ten. People who allow the feature its access return to one of them."
    " Without any, the feature cannot ask people for access."
)
LINE_FAULT: Final = _("Line %(number)d: %(fault)s")
CHANGED: Final = _(
    "Nothing changed: another operator changed this client while you were here. Look at its current"
    " keys and redirect URIs, then try again."
)

#: What an operator proposes.
CHANGES: Final[Mapping[str, StrOrPromise]] = {
    ClientChangeKind.REGISTER: REGISTER_ACTION,
    ClientChangeKind.KEYS: KEYS_ACTION,
    ClientChangeKind.REDIRECTS: REDIRECTS_ACTION,
    ClientChangeKind.RETIRE: RETIRE_ACTION,
}
WAITS_FOR_OPERATOR: Final = _("Waits for another operator")
WAITS_FOR_WORKER: Final = _("Antares applies it within a minute")
APPLIED: Final = _("Applied")
#: Why a change was not applied.
REFUSALS: Final[Mapping[str, StrOrPromise]] = {
    ClientChangeRefusal.FORGED: _("Not applied: the staff site did not write it"),
    ClientChangeRefusal.EXPIRED: _("Not applied: no other operator approved it within 24 hours"),
    ClientChangeRefusal.OPERATORS: _(
        "Not applied: an operator is no longer active, or has no second factor"
    ),
    ClientChangeRefusal.CHANGED: _("Not applied: the client or its feature changed before"),
}

#: An operator's step in the past.
STEPS: Final[Mapping[str, StrOrPromise]] = {
    "entry.invalid": _("A row that is not a valid ledger entry"),
    "client.registered": _("Registered"),
    "client.keys_replaced": _("Keys replaced"),
    "client.redirects_replaced": _("Redirect URIs replaced"),
    "client.retired": _("Retired"),
}
CHANNELS: Final[Mapping[str, StrOrPromise]] = {
    OperatorChannel.PAGE: _("on this site"),
    OperatorChannel.COMMAND: _("by command"),
}
YOU: Final = _("You")
ANOTHER_OPERATOR: Final = _("Operator %(name)s")
UNNAMED: Final = _("Unknown")
