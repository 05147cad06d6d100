"""The controls of CASA by id, in our own words, and what an assessor needs beside the tests."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Supplement(StrEnum):
    """Evidence that the service cannot generate."""

    NONE = ""
    # A scan or report from outside, such as a scan of the running service.
    SCAN = "scan"
    # A statement or a policy of the organisation.
    STATEMENT = "statement"
    # Only people can show it.
    PEOPLE = "people"


class CasaControl(NamedTuple):
    id: str
    says: Promise
    supplement: Supplement = Supplement.NONE


_NONE, _SCAN, _STATEMENT = Supplement.NONE, Supplement.SCAN, Supplement.STATEMENT

SUPPLEMENTS: Final = {
    Supplement.NONE: _("nothing"),
    Supplement.SCAN: _("a scan or report from outside"),
    Supplement.STATEMENT: _("a statement of the organisation"),
    Supplement.PEOPLE: _("evidence that only people have"),
}

CHAPTERS: Final = {
    "1": _("Sign-in"),
    "2": _("Sessions"),
    "3": _("Access"),
    "4": _("Encryption"),
    "5": _("Input and output"),
    "6": _("Configuration"),
}

CONTROLS: Final = (
    CasaControl("1.1.1", _("Guessing a password is slowed down or blocked.")),
    CasaControl("1.1.2", _("First passwords and activation codes are random and short-lived.")),
    CasaControl("1.1.3", _("Stored passwords resist an offline attack.")),
    CasaControl("1.2.1", _("No account has a default password."), _STATEMENT),
    CasaControl("1.3.1", _("Codes and links for sign-in and reset expire.")),
    CasaControl("1.3.2", _("Such a code works once.")),
    CasaControl("1.3.3", _("Such a code cannot be predicted.")),
    CasaControl("1.3.4", _("Such a code is long enough, and tries are limited.")),
    CasaControl("2.1.1", _("No address contains a password, a token or a key."), _SCAN),
    CasaControl("2.2.1", _("Signing out and expiry end the session on the server.")),
    CasaControl("2.2.2", _("A new password ends the other sessions.")),
    CasaControl("2.2.3", _("A token that cannot be revoked lives for a day at most.")),
    CasaControl("2.3.1", _("The session cookie is sent over HTTPS only."), _SCAN),
    CasaControl("2.3.2", _("Scripts cannot read the session cookie."), _SCAN),
    CasaControl("2.3.3", _("A session has a token of its own, not a fixed secret.")),
    CasaControl("2.3.4", _("Signed tokens withstand forging and replay."), _SCAN),
    CasaControl("2.4.1", _("Sensitive actions need a full session or a new confirmation.")),
    CasaControl("3.1.1", _("The server decides each access, with least privilege."), _STATEMENT),
    CasaControl("3.1.2", _("People cannot change the attributes that decide access.")),
    CasaControl("3.1.3", _("An access check that fails refuses.")),
    CasaControl("3.1.4", _("An id in an address opens the caller's own objects only.")),
    CasaControl("3.1.5", _("Forms resist forged requests and automation."), _SCAN),
    CasaControl("3.1.6", _("No folder can be listed."), _SCAN),
    CasaControl("3.2.1", _("Only recommended OAuth flows are used.")),
    CasaControl("3.2.2", _("State and redirect address are checked.")),
    CasaControl("3.3.1", _("Staff pages need a second factor."), _STATEMENT),
    CasaControl("4.1.1", _("Every connection uses TLS 1.2 or newer."), _SCAN),
    CasaControl("4.1.2", _("Certificates are checked on both sides."), _SCAN),
    CasaControl("4.1.3", _("No weak algorithm or key length is used."), _STATEMENT),
    CasaControl("4.1.4", _("A failed decryption reveals no reason.")),
    CasaControl("5.1.1", _("Repeated parameters change no decision."), _SCAN),
    CasaControl("5.1.2", _("Redirects lead to known addresses only."), _SCAN),
    CasaControl("5.1.3", _("No input is executed as code."), _SCAN),
    CasaControl("5.1.4", _("No input becomes a template."), _SCAN),
    CasaControl("5.1.5", _("No input makes the server call an address."), _SCAN),
    CasaControl("5.1.6", _("No input reaches an XML parser."), _SCAN),
    CasaControl("5.1.7", _("Output is escaped."), _SCAN),
    CasaControl("5.1.8", _("No input becomes a database command."), _SCAN),
    CasaControl("5.1.9", _("No input becomes a command of the operating system."), _SCAN),
    CasaControl("5.1.10", _("No input selects a file."), _SCAN),
    CasaControl("5.2.1", _("Uploads are limited by type and never run.")),
    CasaControl("6.1.1", _("No component has a severe known vulnerability."), _SCAN),
    CasaControl("6.2.1", _("Debug mode is off in production."), _SCAN),
    CasaControl("6.3.1", _("The Origin header decides no access."), _SCAN),
    CasaControl("6.4.1", _("No subdomain can be taken over."), Supplement.PEOPLE),
    CasaControl("6.5.1", _("Logs contain no credentials.")),
    CasaControl("6.6.1", _("Signing out clears the browser's storage.")),
    CasaControl(
        "6.7.1", _("Secrets of the server are stored safely, and access is recorded."), _STATEMENT
    ),
)
