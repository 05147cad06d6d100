"""The steps of the consent flow, in the order of its pictures."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class FlowStep(NamedTuple):
    """
    :param picture: file name in `antares/shots`, without its extension
    :param alt: describes the picture
    :param clauses: ids of clauses that the step serves
    """

    picture: str
    title: Promise
    says: Promise
    alt: Promise
    clauses: tuple[str, ...]


STEPS: Final = (
    FlowStep(
        "flow-settings",
        _("Settings, before anything is connected"),
        _("Connecting is a choice. The flow starts with a button that the person presses."),
        _("The page Settings with a button to connect Google and no connected account."),
        ("AN-1", "SCOPE-REASK"),
    ),
    FlowStep(
        "flow-disclosure",
        _("The disclosure, immediately before consent"),
        _(
            "The page names the data, the purpose, the time and each scope with its reason. The"
            " box is not ticked, and Not now leads back."
        ),
        _("The page before consent with the data, the reasons and an unticked box “I agree”."),
        ("GWDP-notice", "GWDP-consent", "SCOPE-CTX", "WDISC"),
    ),
    FlowStep(
        "flow-provider",
        _("Consent at the provider"),
        _(
            "The person chooses the account and the scopes at the provider. This picture shows the"
            " stand-in for Google's page that the tests use."
        ),
        _("The consent page of the stand-in for Google, with a tick box for each scope."),
        ("SCOPE-MIN", "SCOPE-MATCH", "AN-3"),
    ),
    FlowStep(
        "flow-partial",
        _("Consent to a part of the scopes"),
        _(
            "The person unticked a scope. Settings says which permission is missing and what does"
            " not work without it; the feature is off until the person grants the permission."
        ),
        _("A connected account whose card says that a permission is missing."),
        ("SCOPE-GRANT",),
    ),
    FlowStep(
        "flow-connected",
        _("The connected account"),
        _("The card names the account and its state, and has Disconnect."),
        _("The page Settings with a connected Google account."),
        ("AN-2", "AN-23"),
    ),
    FlowStep(
        "flow-disconnect",
        _("Disconnect, with exact counts first"),
        _("The person has confirmed their identity, and reads how much data the removal covers."),
        _("The page before the disconnect, with the number of messages."),
        ("AN-14", "WDEL"),
    ),
    FlowStep(
        "flow-receipt",
        _("The end of the removal, with the receipt"),
        _("The page shows each step of the removal, and offers the receipt."),
        _("The page after the removal, with a button to download the receipt."),
        ("AN-15", "CASA-DEL", "MS-DEL"),
    ),
)
