"""
The sentences of a removal, for pages and mails.

Each key is the id of a claim: `disconnect.*` is stated before the removal and holds after it;
`removal.*` holds while it is shown. `removal_facts` selects the true ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from limited_use.policy.claims import claim

# A lazy translation behaves as a text.
Text = str | Promise

SENTENCES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "disconnect.unchanged-there": claim(
            "disconnect.unchanged-there",
            _("Your data at %(provider)s stays as it is."),
        ),
        "disconnect.unreadable-at-once": claim(
            "disconnect.unreadable-at-once",
            _("The copy in Antares becomes unreadable at once and is removed within an hour."),
        ),
        "disconnect.list-unreadable": claim(
            "disconnect.list-unreadable",
            _(
                "The list of your uploads in Antares becomes unreadable at once and is removed"
                " within an hour."
            ),
        ),
        "disconnect.files-stay": claim(
            "disconnect.files-stay",
            _("The files that Antares put into your Drive stay there."),
        ),
        "disconnect.uploads-stop": claim(
            "disconnect.uploads-stop",
            _("Uploads that are not complete stop."),
        ),
        "disconnect.access-ends": claim(
            "disconnect.access-ends",
            _("Antares asks %(provider)s to end its access to this account."),
        ),
        "disconnect.access-not-offered": claim(
            "disconnect.access-not-offered",
            _(
                "%(provider)s does not end access when an app asks for it: it lists Antares"
                " until you remove it at %(provider)s."
            ),
        ),
        "disconnect.access-kept": claim(
            "disconnect.access-kept",
            _("%(provider)s still lists Antares, with all permissions that you granted."),
        ),
        "disconnect.access-ended": claim(
            "disconnect.access-ended",
            _("%(provider)s has already ended the access of Antares."),
        ),
        "disconnect.access-shared": claim(
            "disconnect.access-shared",
            _(
                "Antares does not ask %(provider)s to end its access, because another"
                " connection of the same account uses it."
            ),
        ),
        "disconnect.tokens-destroyed": claim(
            "disconnect.tokens-destroyed",
            _("Antares destroys the access tokens of this connection."),
        ),
        "disconnect.tokens-kept": claim(
            "disconnect.tokens-kept",
            _("Antares keeps the access tokens of this account for %(others)s."),
        ),
        "disconnect.tokens-kept-ended": claim(
            "disconnect.tokens-kept-ended",
            _("Antares keeps the old access tokens until you reconnect or disconnect %(others)s."),
        ),
        "disconnect.receipt": claim(
            "disconnect.receipt",
            _("You get a signed receipt that anyone can check."),
        ),
        "disconnect.receipts": claim(
            "disconnect.receipts",
            _("You get a signed receipt for each of them. Anyone can check the receipts."),
        ),
        "removal.removed": claim("removal.removed", _("%(name)s removed from Antares")),
        "removal.unreadable": claim(
            "removal.unreadable",
            _("Antares destroyed all keys to the data and can no longer read it."),
        ),
        "removal.emptied": claim("removal.emptied", _("Antares deleted all of the data.")),
        "removal.counted": claim(
            "removal.counted",
            _("Antares checked every place that could still hold the data: nothing is left."),
        ),
        "removal.signed": claim("removal.signed", _("Antares signed the receipt.")),
        "removal.notices-asked": claim(
            "removal.notices-asked",
            _(
                "%(provider)s has not confirmed yet that it no longer notifies Antares of"
                " changes. Antares ignores its notifications and asks again for up to a day."
            ),
        ),
        "removal.notices-stopped": claim(
            "removal.notices-stopped",
            _("%(provider)s confirmed that it no longer notifies Antares of changes."),
        ),
        "removal.notices-lapsed": claim(
            "removal.notices-lapsed",
            _("The notifications of %(provider)s have expired."),
        ),
        "removal.notices-unanswered": claim(
            "removal.notices-unanswered",
            _(
                "%(provider)s did not confirm that it no longer notifies Antares of changes."
                " Antares ignores its notifications until they expire, at the time in the"
                " receipt."
            ),
        ),
        "removal.notices-no-access": claim(
            "removal.notices-no-access",
            _(
                "Antares could not ask %(provider)s to stop its notifications, because no"
                " access token worked. Antares ignores them until they expire, at the time in"
                " the receipt."
            ),
        ),
        "removal.notices-kept": claim(
            "removal.notices-kept",
            _(
                "%(provider)s still notifies Antares of changes in this account, because"
                " another connection of the account needs that."
            ),
        ),
        "removal.access-asked": claim(
            "removal.access-asked",
            _(
                "%(provider)s has not confirmed yet that the access of Antares has ended."
                " Antares keeps asking for a day."
            ),
        ),
        "removal.access-confirmed": claim(
            "removal.access-confirmed",
            _("%(provider)s confirmed that Antares no longer has access."),
        ),
        "removal.access-gone": claim(
            "removal.access-gone",
            _("%(provider)s answered that Antares no longer has access."),
        ),
        "removal.access-unconfirmed": claim(
            "removal.access-unconfirmed",
            _("%(provider)s did not confirm that Antares no longer has access."),
        ),
        "removal.access-not-offered": claim(
            "removal.access-not-offered",
            _(
                "%(provider)s does not end access when an app asks for it: it lists Antares"
                " until you remove it."
            ),
        ),
        "removal.access-kept": claim(
            "removal.access-kept",
            _("%(provider)s still lists Antares, with all permissions that you granted."),
        ),
        "removal.access-ended": claim(
            "removal.access-ended",
            _("%(provider)s has ended the access of Antares."),
        ),
        "removal.access-reconnected": claim(
            "removal.access-reconnected",
            _("You connected the account again, so Antares has access again."),
        ),
        "removal.access-shared": claim(
            "removal.access-shared",
            _(
                "Antares did not ask %(provider)s to end its access, because another connection"
                " of the same account used it."
            ),
        ),
        "removal.tokens-destroyed": claim(
            "removal.tokens-destroyed",
            _("Antares destroyed the access tokens."),
        ),
        "removal.tokens-kept": claim(
            "removal.tokens-kept",
            _("Antares keeps the access tokens of this account for %(others)s."),
        ),
        "removal.tokens-kept-ended": claim(
            "removal.tokens-kept-ended",
            _("Antares keeps the old access tokens until you reconnect or disconnect %(others)s."),
        ),
        "removal.tokens-reconnected": claim(
            "removal.tokens-reconnected",
            _("Antares has new access tokens of the account."),
        ),
        "removal.advice-check": claim(
            "removal.advice-check",
            _("Check whether %(provider)s still lists Antares, and remove it:"),
        ),
        "removal.advice-remove": claim(
            "removal.advice-remove",
            _("Remove Antares at %(provider)s, on the page for your kind of account:"),
        ),
        "removal.advice-kept": claim(
            "removal.advice-kept",
            _("You can end this access at %(provider)s at any time, which also stops %(others)s:"),
        ),
        "removal.advice-shared": claim(
            "removal.advice-shared",
            _(
                "Remove Antares at %(provider)s to end its access for all connections of the"
                " account:"
            ),
        ),
        "removal.product-kept": claim("removal.product-kept", _("Still connected: %(others)s.")),
    }
)

#: Steps that lie ahead.
DESTROY_KEYS: Final = _("Destroy all keys to the data")
DELETE_DATA: Final = _("Delete all of the data")
CHECK_DELETION: Final = _("Check that nothing is left")
SIGN_RECEIPT: Final = _("Sign the receipt")
END_ACCESS: Final = _("End the access of Antares at %(provider)s")
KEEP_ACCESS: Final = _("Keep the access at %(provider)s for %(others)s")
LEAVE_ACCESS: Final = _("Leave it to you to end the access at %(provider)s")
SHARE_ACCESS: Final = _("Leave the access to the other connection of the same account")
DESTROY_TOKENS: Final = _("Destroy the access tokens")
KEEP_TOKENS: Final = _("Keep the access tokens for %(others)s")

TWO_PRODUCTS: Final = _("%(first)s and %(second)s")
