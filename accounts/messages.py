"""Texts of the account pages and of refused pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from accounts.roles import Role, RolePermission

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# --- Sign-in ----------------------------------------------------------------------------------

TOO_MANY_ATTEMPTS: Final = _("Too many failed attempts. Wait some minutes, then try again.")
SIGN_IN_LINK_SENT: Final = _(
    "Too many failed attempts. If this address has an account, it gets a mail with a link. Open"
    " the link on this device to try again."
)
SIGN_IN_LINK_USED: Final = _("You can try to sign in on this device now.")
TOO_MANY_CODES: Final = _("Too many wrong codes. Try again in %(wait)s.")
CODE_ALREADY_USED: Final = _("This code was used before. Wait for the next code.")
PROFILE_SAVED: Final = _("Your changes are saved.")

# --- Refused pages ----------------------------------------------------------------------------

#: For whom the pages are that need a permission.
AUDIENCES: Final[Mapping[RolePermission, StrOrPromise]] = {
    RolePermission.USE_OWN: _("This page is for people with an Antares account."),
    RolePermission.VIEW_CONNECTIONS: _("The list of connections is for Antares support agents."),
    RolePermission.REVOKE_CONNECTIONS: _(
        "Disconnecting for other people is for Antares support agents."
    ),
    RolePermission.APPROVE_BULK: _(
        "Disconnecting many accounts is for Antares support agents and operators."
    ),
    RolePermission.READ_OPENED_ITEMS: _(
        "Support access is for Antares support agents. They read messages whose owners agreed."
    ),
    RolePermission.READ_EVIDENCE: _(
        "The review pages are for Antares reviewers. They check how Antares uses data."
    ),
    RolePermission.MANAGE_CLIENTS: _("Managing service clients is for Antares operators."),
    RolePermission.MANAGE_PEOPLE: _("Managing people is for Antares operators."),
    RolePermission.VIEW_OPERATIONS: _(
        "The operations pages are for Antares operators. They watch how the service runs."
    ),
    RolePermission.SETTLE_ALARMS: _("Settling alarms is for Antares operators."),
}
SECOND_FACTOR_NEEDED: Final = _("The pages for Antares staff need your second factor.")
#: What a refused page says about its reader.
ROLES: Final[Mapping[Role, StrOrPromise]] = {
    Role.SUPPORT: _("Your role is support agent."),
    Role.REVIEWER: _("Your role is reviewer."),
    Role.OPERATOR: _("Your role is operator."),
}
