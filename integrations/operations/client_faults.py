"""Faults of keys and redirect URIs in words, for the pages and the command of operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from accounts.client_keys import KeySetFault, UnusableClientKeys
from accounts.redirect_uris import RedirectUriFault, UnusableRedirectUri
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

KEY_FAULTS: Final[Mapping[KeySetFault, StrOrPromise]] = {
    KeySetFault.UNREADABLE: _(
        'This is no JSON Web Key Set: an object with a list "keys" of complete public keys.'
    ),
    KeySetFault.TOO_LONG: _("The key set is longer than 20,000 characters."),
    KeySetFault.EMPTY: _("The key set has no key."),
    KeySetFault.TOO_MANY: _("The key set has more than ten keys."),
    KeySetFault.PRIVATE: claim(
        "clients.private-key-not-stored",
        _(
            "This contains a private or shared key. Antares did not store it. Replace that key"
            " pair, because it left the feature, and enter public keys only."
        ),
    ),
    KeySetFault.UNSUPPORTED: _(
        "A key is not for signatures with RS256 (RSA) or ES256 (elliptic curve P-256)."
    ),
    KeySetFault.SIZE: _("An RSA key has fewer than 2,048 or more than 8,192 bits."),
    KeySetFault.KID: _('Each key needs its own "kid", a text of at most 128 characters.'),
}

REDIRECT_FAULTS: Final[Mapping[RedirectUriFault, StrOrPromise]] = {
    RedirectUriFault.TOO_MANY: _("A client has at most ten redirect URIs."),
    RedirectUriFault.TWICE: _("The redirect URI is in the list twice."),
    RedirectUriFault.TOO_LONG: _("The redirect URI is longer than 255 characters."),
    RedirectUriFault.CHARACTER: _(
        "The redirect URI contains a character that has to be escaped, or an escape such as %2f"
        " that is not in capitals."
    ),
    RedirectUriFault.FRAGMENT: _("The redirect URI has a fragment, the part from # on."),
    RedirectUriFault.WILDCARD: _(
        "The redirect URI contains *. URIs are compared character by character: list each."
    ),
    RedirectUriFault.SCHEME: _(
        "The redirect URI must begin with https://, or with http:// for 127.0.0.1 or localhost."
    ),
    RedirectUriFault.USER: _("The redirect URI contains a user name, the part up to @."),
    RedirectUriFault.HOST: _(
        "The redirect URI has no valid host and port. IPv6 addresses are not supported."
    ),
    RedirectUriFault.SPELLING: _(
        "A browser would write the redirect URI differently. Use a lower-case host, no default"
        " port, a path that begins with /, and no . or .. in the path."
    ),
    RedirectUriFault.QUERY: _(
        "The redirect URI has a query or a path that does not stay as it is when the answer is"
        " added. Use parameters such as ?tenant=1&page=2, and escape all other characters."
    ),
    RedirectUriFault.PARAMETER: _(
        "The redirect URI has a parameter of the answer: code, state, error or iss."
    ),
}


def describe_key_fault(problem: UnusableClientKeys) -> StrOrPromise:
    return KEY_FAULTS[problem.fault]


def describe_redirect_fault(problem: UnusableRedirectUri) -> StrOrPromise:
    return REDIRECT_FAULTS[problem.fault]
