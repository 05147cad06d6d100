"""
The approval of an administrator, in words: outcomes of a connect that may need it, its states, and
the mail that asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import ApprovalState, AttemptOutcome
from limited_use.policy.claims import claim

from .connect import NOTHING, ConnectNextStep, ConnectOutcome, join_sentences

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class ApprovalMessage:
    tone: str
    title: StrOrPromise
    says: StrOrPromise


APPROVALS: Final[Mapping[str, ApprovalMessage]] = MappingProxyType(
    {
        ApprovalState.WAITING: ApprovalMessage(
            "info",
            _("Waiting for your administrator."),
            _(
                "Antares hears the decision when your administrator answers through the link. If"
                " they approved Antares in another way, connect now."
            ),
        ),
        ApprovalState.GIVEN: ApprovalMessage(
            "good",
            _("Your administrator seems to have approved."),
            claim("approval.given", _("Nothing is connected yet. Connect now.")),
        ),
        ApprovalState.REFUSED: ApprovalMessage(
            "warn",
            _("Your administrator seems to have declined."),
            claim(
                "approval.refused",
                _(
                    "Nothing was connected. Talk to your administrator; a new link asks for a new"
                    " decision."
                ),
            ),
        ),
    }
)

EMAIL_SUBJECT: Final = _("Please allow Antares for our organisation")
EMAIL_WITH_LINK: Final = _(
    """\
Hello,

I would like to connect %(product)s to Antares. Our organisation needs an administrator's approval \
for that, once for everybody. Please open this link, sign in, and read the permissions:

%(link)s

The link works for one decision and expires after %(days)s days.
How Antares uses the data: %(data_use_url)s
"""
)
EMAIL_WITHOUT_LINK: Final = _(
    """\
Hello,

I would like to connect %(product)s to Antares, but our organisation does not allow the app. \
Please allow it among the third-party apps of our organisation. Its client ID is:

%(client_id)s

How Antares uses the data: %(data_use_url)s
"""
)

_IF_APPROVAL_IS_NEEDED: Final = _(
    "If the provider said that an administrator must approve, send your administrator a link."
)
#: Outcomes at providers with admin consent: their responses do not say if an administrator was
#: asked. A pending attempt is included: the provider may have shown its own page.
ADMIN_CONSENT_OUTCOMES: Final[dict[str, ConnectOutcome]] = {
    AttemptOutcome.PENDING: ConnectOutcome(
        "info",
        claim("outcome.pending", _("Not connected yet.")),
        join_sentences(_("Finish at the provider, or try again."), _IF_APPROVAL_IS_NEEDED),
        ConnectNextStep.CONNECT,
    ),
    AttemptOutcome.DENIED: ConnectOutcome(
        "info",
        NOTHING,
        join_sentences(
            claim(
                "outcome.same-answer",
                _("The provider does not say whether you declined or asked your administrator."),
            ),
            _("If you asked, connect again after the approval."),
        ),
        ConnectNextStep.CONNECT,
    ),
    AttemptOutcome.ADMIN_BLOCKED: ConnectOutcome(
        "warn",
        _("Your administrator must approve Antares first."),
        join_sentences(
            NOTHING,
            _("Send your administrator a link; connect again after the approval."),
        ),
        ConnectNextStep.CONNECT,
    ),
    AttemptOutcome.EXPIRED: ConnectOutcome(
        "warn",
        claim("outcome.no-answer", _("That took longer than ten minutes.")),
        join_sentences(NOTHING, _IF_APPROVAL_IS_NEEDED),
        ConnectNextStep.CONNECT,
    ),
}
