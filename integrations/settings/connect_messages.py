"""Messages for the outcomes of a connect. Tables only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from integrations.models import AttemptOutcome
from limited_use.policy.claims import claim


class ConnectNextStep(StrEnum):
    CONNECT = "connect"
    RECONNECT = "reconnect"
    ADD = "add"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    tone: str
    title: str
    says: str
    action: ConnectNextStep


_AGAIN: Final = ConnectNextStep.CONNECT
_NOTHING: Final = claim("outcome.nothing-connected", "Nothing was connected.")
_OPERATOR_INFORMED: Final = claim("outcome.told", "We have been told.")
OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.CONNECTED: ConnectOutcome(
        "good",
        "Connected.",
        claim("outcome.mail-coming", "Your mail is coming in, newest first."),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.CONNECTED_PARTLY: ConnectOutcome(
        "warn",
        "Connected, with less than was asked.",
        claim("outcome.partly", "What you unticked is switched off here. Everything else works."),
        ConnectNextStep.RECONNECT,
    ),
    AttemptOutcome.CONNECTED_WITHOUT_PRODUCT: ConnectOutcome(
        "warn",
        "Connected, without mail.",
        claim("outcome.no-mail", "You did not give permission to read mail, so Antares reads none.")
        + " Give it below if you want your mail here.",
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.DENIED: ConnectOutcome(
        "info", _NOTHING, "You said no at the provider, and that is fine.", _AGAIN
    ),
    AttemptOutcome.ADMIN_BLOCKED: ConnectOutcome(
        "warn",
        "Your administrator does not allow it.",
        f"{_NOTHING} Ask whoever manages that account to allow Antares.",
        _AGAIN,
    ),
    AttemptOutcome.EXPIRED: ConnectOutcome(
        "warn",
        "That took too long.",
        f"For your safety an attempt ends after ten minutes. {_NOTHING}",
        _AGAIN,
    ),
    AttemptOutcome.REPLAYED: ConnectOutcome(
        "warn",
        "That link was used before.",
        claim("outcome.once", "Each attempt works once. Nothing was done a second time."),
        _AGAIN,
    ),
    AttemptOutcome.FOREIGN_STATE: ConnectOutcome(
        "warn",
        "That attempt did not begin here.",
        f"It began in another browser, or you followed a link of somebody else. {_NOTHING}",
        _AGAIN,
    ),
    AttemptOutcome.MALFORMED: ConnectOutcome(
        "warn",
        "The provider's answer could not be read.",
        _NOTHING,
        _AGAIN,
    ),
    AttemptOutcome.WRONG_ISSUER: ConnectOutcome(
        "warn",
        "The provider's answer could not be checked.",
        claim(
            "outcome.not-used", "It did not name the provider that you went to, so it was not used."
        )
        + f" {_NOTHING}",
        _AGAIN,
    ),
    AttemptOutcome.CODE_REJECTED: ConnectOutcome(
        "warn",
        "The provider did not accept its own code.",
        f"It is good for one use and a short time. {_NOTHING}",
        _AGAIN,
    ),
    AttemptOutcome.IDENTITY_UNPROVEN: ConnectOutcome(
        "bad",
        "It could not be proved whose account it is.",
        claim("outcome.nothing-kept", "Nothing was kept."),
        _AGAIN,
    ),
    AttemptOutcome.WRONG_ACCOUNT: ConnectOutcome(
        "warn",
        "That was another account.",
        claim(
            "outcome.same-account",
            "Reconnecting needs the same account as before, and nothing of it was changed.",
        )
        + " To add the other one as well, connect it anew.",
        ConnectNextStep.RECONNECT,
    ),
    AttemptOutcome.LIVES_ALREADY: ConnectOutcome(
        "warn",
        "Something else of this account is connected already.",
        claim(
            "outcome.nothing-changed",
            "Nothing was changed: this alone would have taken its permission away.",
        )
        + " Added to it, both are asked for.",
        ConnectNextStep.ADD,
    ),
    AttemptOutcome.CONNECTED_BY_OTHER: ConnectOutcome(
        "warn",
        "Somebody in your organisation has connected this account.",
        "An account belongs to one person here. They can disconnect it, then you can connect it.",
        _AGAIN,
    ),
    AttemptOutcome.STILL_ENDING: ConnectOutcome(
        "info",
        "This account is being disconnected right now.",
        f"{_NOTHING} Try again in a minute.",
        _AGAIN,
    ),
    AttemptOutcome.OVERTAKEN: ConnectOutcome(
        "warn",
        "Something changed meanwhile.",
        "What you were about to connect, or your place in the organisation, ended while you were"
        f" at the provider. {_NOTHING}",
        _AGAIN,
    ),
    AttemptOutcome.DISCLOSURE_OUTDATED: ConnectOutcome(
        "info",
        "What we ask for has changed.",
        f"Please read it as it is now, and agree again. {_NOTHING}",
        _AGAIN,
    ),
    AttemptOutcome.PROVIDER_UNAVAILABLE: ConnectOutcome(
        "warn",
        "The provider is not answering.",
        f"{_NOTHING} Try again in a few minutes.",
        _AGAIN,
    ),
    AttemptOutcome.REJECTED_BY_PROVIDER: ConnectOutcome(
        "warn", "The provider said no.", "It gave no reason that you could mend.", _AGAIN
    ),
    AttemptOutcome.APP_MISCONFIGURED: ConnectOutcome(
        "bad",
        "We have a problem on our side.",
        f"The provider does not accept our own registration. {_OPERATOR_INFORMED} {_NOTHING}"
        " Try again later.",
        _AGAIN,
    ),
    AttemptOutcome.FAILED: ConnectOutcome(
        "bad",
        "Something unforeseen happened.",
        f"{_NOTHING} {_OPERATOR_INFORMED}",
        _AGAIN,
    ),
}


#: Outcomes of connecting calendars that differ from those of mail.
CALENDAR_OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.CONNECTED: ConnectOutcome(
        "good",
        "Connected.",
        claim("outcome.calendars-coming", "Your calendars are coming in."),
        ConnectNextStep.NONE,
    ),
    AttemptOutcome.CONNECTED_PARTLY: ConnectOutcome(
        "warn",
        "Connected, to read only.",
        claim(
            "outcome.read-only",
            "You did not give permission to write events, so your calendars are shown and nothing"
            " is changed in them.",
        ),
        ConnectNextStep.RECONNECT,
    ),
    AttemptOutcome.CONNECTED_WITHOUT_PRODUCT: ConnectOutcome(
        "warn",
        "Connected, without calendars.",
        claim(
            "outcome.no-calendars",
            "You did not give permission to read calendars, so Antares reads none.",
        )
        + " Give it below if you want them here.",
        ConnectNextStep.NONE,
    ),
}


#: Outcomes at providers with admin consent: their responses do not say if an administrator was
#: asked. A pending attempt is included: the provider may have shown its own page.
ADMIN_CONSENT_OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.PENDING: ConnectOutcome(
        "info",
        "Waiting for your administrator, or for you.",
        claim("outcome.pending", "The provider has sent no answer yet, and nothing was connected.")
        + " If it asked for an administrator, ask yours to allow Antares for your organisation;"
        " once they have, connect again. Otherwise finish at the provider, or try again.",
        _AGAIN,
    ),
    AttemptOutcome.DENIED: ConnectOutcome(
        "info",
        "Waiting for your administrator, unless you said no.",
        f"{_NOTHING} "
        + claim(
            "outcome.same-answer",
            "The provider sends the same answer whether you said no or asked your administrator.",
        )
        + " Once they have agreed, connect again.",
        _AGAIN,
    ),
    AttemptOutcome.ADMIN_BLOCKED: ConnectOutcome(
        "warn",
        "Waiting for your administrator.",
        f"{_NOTHING} The provider lets only an administrator allow Antares for your organisation."
        " Ask yours; once they have agreed, connect again.",
        _AGAIN,
    ),
    AttemptOutcome.EXPIRED: ConnectOutcome(
        "warn",
        claim("outcome.no-answer", "The provider sent no answer within ten minutes."),
        claim("outcome.attempt-nothing", "This attempt connected nothing.")
        + " If the provider asked for an administrator, ask yours to allow Antares for your"
        " organisation; once they have, connect again.",
        _AGAIN,
    ),
}
