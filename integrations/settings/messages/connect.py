"""Outcomes of a connect, in words. Tables only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from integrations.models import AttemptOutcome
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ConnectNextStep(StrEnum):
    CONNECT = "connect"
    RECONNECT = "reconnect"
    AGREE = "agree"
    GRANT = "grant"
    ADD_MAIL = "add_mail"
    ADD_CALENDAR = "add_calendar"
    ADD_DRIVE = "add_drive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    tone: str
    title: StrOrPromise
    says: StrOrPromise
    action: ConnectNextStep


ACTION_LABELS: Final[dict[ConnectNextStep, StrOrPromise]] = {
    ConnectNextStep.CONNECT: _("Try again"),
    ConnectNextStep.RECONNECT: _("Reconnect"),
    ConnectNextStep.AGREE: _("Read and agree"),
    ConnectNextStep.GRANT: _("Grant permission"),
    ConnectNextStep.ADD_MAIL: _("Add mail to that account"),
    ConnectNextStep.ADD_CALENDAR: _("Add calendar to that account"),
    ConnectNextStep.ADD_DRIVE: _("Add Drive to that account"),
    ConnectNextStep.NONE: "",
}
#: Text of the link back to the page that lacked a permission, by route.
RETURN_LABELS: Final[dict[str, StrOrPromise]] = {"calendar-new": _("Continue with the new event")}


def join_sentences(*sentences: StrOrPromise) -> StrOrPromise:
    text: StrOrPromise = format_lazy(" ".join(["{}"] * len(sentences)), *sentences)
    return text


_AGAIN: Final = ConnectNextStep.CONNECT
NOTHING: Final = claim("outcome.nothing-connected", _("Nothing was connected."))
_OPERATOR_INFORMED: Final = claim("outcome.told", _("Our operators have been notified."))
OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.CONNECTED: ConnectOutcome(
        "good",
        _("Connected."),
        claim(
            "outcome.mail-coming",
            _("Antares imports your mail, newest first; the card below shows how far it is."),
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.CONNECTED_PARTLY: ConnectOutcome(
        "warn",
        _("Connected, with fewer permissions than requested."),
        claim(
            "outcome.partly",
            _(
                "Features that need a permission that you did not grant are off. Everything else"
                " works."
            ),
        ),
        ConnectNextStep.GRANT,
    ),
    AttemptOutcome.CONNECTED_WITHOUT_PRODUCT: ConnectOutcome(
        "warn",
        _("The account is connected, but not its mail."),
        join_sentences(
            claim(
                "outcome.no-mail",
                _("You did not grant permission to read mail, so Antares reads none."),
            ),
            _("Grant it below to see your mail in Antares."),
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.DENIED: ConnectOutcome(
        "info", NOTHING, _("You declined at the provider. You can connect at any time."), _AGAIN
    ),
    AttemptOutcome.ADMIN_BLOCKED: ConnectOutcome(
        "warn",
        _("Your administrator does not allow this."),
        join_sentences(NOTHING, _("Ask the administrator of that account to allow Antares.")),
        _AGAIN,
    ),
    AttemptOutcome.EXPIRED: ConnectOutcome(
        "warn",
        _("That took too long."),
        join_sentences(_("For your safety, an attempt expires after ten minutes."), NOTHING),
        _AGAIN,
    ),
    AttemptOutcome.REPLAYED: ConnectOutcome(
        "warn",
        _("That link was used before."),
        claim("outcome.once", _("Each attempt works once. Nothing was done a second time.")),
        _AGAIN,
    ),
    AttemptOutcome.FOREIGN_STATE: ConnectOutcome(
        "warn",
        _("That attempt did not start in this browser."),
        join_sentences(
            _("It started in another browser, or you followed another person's link."), NOTHING
        ),
        _AGAIN,
    ),
    AttemptOutcome.MALFORMED: ConnectOutcome(
        "warn", _("Antares does not understand the provider's response."), NOTHING, _AGAIN
    ),
    AttemptOutcome.WRONG_ISSUER: ConnectOutcome(
        "warn",
        _("The provider's response could not be verified."),
        join_sentences(
            claim(
                "outcome.not-used",
                _("It does not name the provider that you chose, so Antares did not use it."),
            ),
            NOTHING,
        ),
        _AGAIN,
    ),
    AttemptOutcome.CODE_REJECTED: ConnectOutcome(
        "warn",
        _("The sign-in at the provider could not be completed."),
        NOTHING,
        _AGAIN,
    ),
    AttemptOutcome.IDENTITY_UNPROVEN: ConnectOutcome(
        "bad",
        _("Antares could not verify whose account this is."),
        claim("outcome.nothing-kept", _("Nothing was stored.")),
        _AGAIN,
    ),
    AttemptOutcome.WRONG_ACCOUNT: ConnectOutcome(
        "warn",
        _("That was a different account."),
        join_sentences(
            claim(
                "outcome.same-account",
                _("Reconnecting needs the same account as before. Your connection is unchanged."),
            ),
            _("To add the other account as well, connect it separately."),
        ),
        ConnectNextStep.RECONNECT,
    ),
    AttemptOutcome.LIVES_ALREADY: ConnectOutcome(
        "warn",
        _("This account is already connected."),
        join_sentences(
            claim(
                "outcome.nothing-changed",
                _(
                    "Nothing was changed: a separate connection would have ended the access of the"
                    " existing one."
                ),
            ),
            _("Add it to that account instead; the provider then asks for everything at once."),
        ),
        ConnectNextStep.ADD_MAIL,
    ),
    AttemptOutcome.CONNECTED_BY_OTHER: ConnectOutcome(
        "warn",
        _("A colleague has connected this account."),
        _(
            "Only one person in your organisation can connect this account. Ask your colleague to"
            " disconnect it first."
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.STILL_ENDING: ConnectOutcome(
        "info",
        _("This account is being disconnected right now."),
        join_sentences(NOTHING, _("Wait a minute first.")),
        _AGAIN,
    ),
    AttemptOutcome.OVERTAKEN: ConnectOutcome(
        "warn",
        _("Something changed while you were at the provider."),
        join_sentences(
            _("The connection, or your membership in the organisation, ended."), NOTHING
        ),
        _AGAIN,
    ),
    AttemptOutcome.DISCLOSURE_OUTDATED: ConnectOutcome(
        "info",
        _("The information about this connection has changed."),
        join_sentences(_("Please read the new version and agree again."), NOTHING),
        ConnectNextStep.AGREE,
    ),
    AttemptOutcome.PROVIDER_UNAVAILABLE: ConnectOutcome(
        "warn",
        _("The provider is not responding."),
        join_sentences(NOTHING, _("Wait a few minutes first.")),
        _AGAIN,
    ),
    AttemptOutcome.REJECTED_BY_PROVIDER: ConnectOutcome(
        "warn",
        _("The provider refused the connection."),
        join_sentences(NOTHING, _("The provider gave no reason. If it happens again, contact us.")),
        _AGAIN,
    ),
    AttemptOutcome.APP_MISCONFIGURED: ConnectOutcome(
        "bad",
        _("There is a problem at Antares."),
        join_sentences(
            _("The provider does not accept Antares at the moment."),
            _OPERATOR_INFORMED,
            NOTHING,
            _("Wait until later today."),
        ),
        _AGAIN,
    ),
    AttemptOutcome.FAILED: ConnectOutcome(
        "bad",
        _("An unexpected error occurred."),
        join_sentences(NOTHING, _OPERATOR_INFORMED),
        _AGAIN,
    ),
}


#: Outcomes of connecting calendars that differ from those of mail.
CALENDAR_OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.CONNECTED: ConnectOutcome(
        "good",
        _("Connected."),
        claim(
            "outcome.calendars-coming",
            _("Antares imports your calendars; the card below shows when they are ready."),
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.CONNECTED_PARTLY: ConnectOutcome(
        "warn",
        _("Connected, view only."),
        claim(
            "outcome.read-only",
            _(
                "You did not grant permission to edit events, so Antares shows your calendars and"
                " changes nothing in them."
            ),
        ),
        ConnectNextStep.GRANT,
    ),
    AttemptOutcome.CONNECTED_WITHOUT_PRODUCT: ConnectOutcome(
        "warn",
        _("The account is connected, but not its calendars."),
        join_sentences(
            claim(
                "outcome.no-calendars",
                _("You did not grant permission to read calendars, so Antares reads none."),
            ),
            _("Grant it below to see your calendars in Antares."),
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.LIVES_ALREADY: ConnectOutcome(
        "warn",
        OUTCOMES[AttemptOutcome.LIVES_ALREADY].title,
        OUTCOMES[AttemptOutcome.LIVES_ALREADY].says,
        ConnectNextStep.ADD_CALENDAR,
    ),
}

#: Outcomes of connecting a Drive that differ from those of mail.
DRIVE_OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.CONNECTED: ConnectOutcome(
        "good",
        _("Connected."),
        claim(
            "outcome.drive-ready",
            _("A file goes into your Drive only when you choose it or agree to it."),
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.CONNECTED_WITHOUT_PRODUCT: ConnectOutcome(
        "warn",
        _("The account is connected, but not its Drive."),
        join_sentences(
            claim(
                "outcome.no-drive",
                _("You did not grant permission to put files there, so Antares puts none there."),
            ),
            _("Grant it below to save files in your Drive."),
        ),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.LIVES_ALREADY: ConnectOutcome(
        "warn",
        OUTCOMES[AttemptOutcome.LIVES_ALREADY].title,
        OUTCOMES[AttemptOutcome.LIVES_ALREADY].says,
        ConnectNextStep.ADD_DRIVE,
    ),
}
#: Outcomes that differ from those of mail, by product.
PRODUCT_OUTCOMES: Final[dict[str, dict[str, ConnectOutcome]]] = {
    "calendar": CALENDAR_OUTCOMES,
    "drive": DRIVE_OUTCOMES,
}
