"""Rules for files that go into the owner's Drive: permissions, and what they never cover."""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient
from limited_use.policy.text_marking import gettext_noop as _

from .policy_rule_types import ANY_REASON, CALENDAR, EVERYTHING, MAIL, PolicyRule, forbid_use

_FILES = frozenset({DataClass.FILE_CONTENT})
_SAVED = MAIL | CALENDAR
_UPLOAD = frozenset({Purpose.DRIVE_UPLOAD})
_LIVE_AND_AGREED = frozenset(
    {
        Fact.INTEGRATION_LIVE,
        Fact.GRANT_LIVE,
        Fact.CONSENT_CURRENT,
        Fact.FEATURE_REGISTERED,
    }
)

DRIVE_PROHIBITIONS: tuple[PolicyRule, ...] = (
    forbid_use(
        "only-saving-crosses-accounts",
        _("Data of one account goes to another account of yours only when you save a file."),
        "LU-2",
        "W-LU2",
        "AN-7",
        purposes=ANY_REASON - _UPLOAD,
        recipients=frozenset({Recipient.OTHER_OWN_ACCOUNT}),
    ),
    forbid_use(
        "uploads-are-of-files",
        _("Only files, attachments and calendars that you save go into your Drive."),
        "LU-1",
        "W-LU1",
        "AN-7",
        purposes=_UPLOAD,
        data_classes=EVERYTHING - _FILES - _SAVED,
    ),
    forbid_use(
        "features-save-own-files-only",
        _("A feature can propose or save only files that Antares made, never your mail or events."),
        "LU-1",
        "LU-4",
        "W-LU1",
        "AN-7",
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
        data_classes=EVERYTHING - _FILES,
    ),
    forbid_use(
        "no-shared-files",
        _("Antares shares no file of your Drive, and makes no link to one for anybody else."),
        "LU-2",
        "W-LU2",
        "AN-12",
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.REGISTERED_USER}),
    ),
)

DRIVE_PERMISSIONS: tuple[PolicyRule, ...] = (
    # Before the owner's: of rules that miss the same number of facts, the first is named.
    PolicyRule(
        id="save-under-standing-consent",
        says=_(
            "A feature saves a file that Antares made in your Drive, within the consent that you"
            " gave: one folder, and kinds, sizes and a number of files, until its end."
        ),
        clauses=("LU-1", "LU-2.1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=_FILES,
        needs=_LIVE_AND_AGREED | {Fact.STANDING_CONSENT_COVERS, Fact.DELEGATION_LIVE},
        allow=True,
    ),
    PolicyRule(
        id="owner-uploads-file",
        says=_("You put a file into your own Drive."),
        clauses=("LU-1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=_FILES,
        needs=_LIVE_AND_AGREED | {Fact.ACTOR_OWNS},
        allow=True,
    ),
    PolicyRule(
        id="upload-what-owner-ordered",
        says=_(
            "Antares puts the file that you chose, or accepted from a feature, into your Drive."
        ),
        clauses=("LU-1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=_FILES,
        # The service or a feature acts; the order is the owner's.
        needs=_LIVE_AND_AGREED | {Fact.UPLOAD_ORDERED},
        allow=True,
    ),
    PolicyRule(
        id="keep-own-uploads",
        says=_(
            "Antares stores the names and types of your uploads, encrypted, their sizes, times and"
            " states, not encrypted, and never the files."
        ),
        clauses=("LU-1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.VAULT}),
        data_classes=_FILES,
        needs=frozenset(
            {
                Fact.ACTOR_OWNS,
                Fact.INTEGRATION_LIVE,
                Fact.CONSENT_CURRENT,
                Fact.FEATURE_REGISTERED,
            }
        ),
        allow=True,
    ),
    PolicyRule(
        id="owner-lists-own-uploads",
        says=_("You see the files that Antares put into your Drive."),
        clauses=("LU-1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.OWNER}),
        data_classes=_FILES,
        # Neither grant nor agreement: the list is still the owner's.
        needs=frozenset({Fact.ACTOR_OWNS, Fact.INTEGRATION_LIVE, Fact.FEATURE_REGISTERED}),
        allow=True,
    ),
    PolicyRule(
        id="owner-exports-own-uploads",
        says=_("You get the list of your uploads as a file when you ask for it."),
        clauses=("LU-1", "W-LU1", "AN-7"),
        purposes=frozenset({Purpose.USER_EXPORT}),
        recipients=frozenset({Recipient.OWNER}),
        data_classes=_FILES,
        # Not the consent: the list is the owner's own.
        needs=frozenset({Fact.ACTOR_OWNS, Fact.INTEGRATION_LIVE, Fact.FEATURE_REGISTERED}),
        allow=True,
    ),
    PolicyRule(
        id="feature-proposes-file",
        says=_(
            "A feature that you switched on proposes to save a file that Antares made, and sees"
            " what became of it. You decide."
        ),
        clauses=("LU-1", "LU-2.1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.PLATFORM_FEATURE}),
        data_classes=_FILES,
        needs=_LIVE_AND_AGREED | {Fact.ACTOR_OWNS, Fact.DELEGATION_LIVE},
        allow=True,
    ),
    PolicyRule(
        id="save-in-own-account",
        says=_(
            "An attachment or a copy of your mail that you save goes to the Drive of the same"
            " account."
        ),
        clauses=("LU-1", "W-LU1", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.OWN_PROVIDER}),
        data_classes=MAIL,
        needs=_LIVE_AND_AGREED | {Fact.UPLOAD_ORDERED},
        allow=True,
    ),
    PolicyRule(
        id="save-in-other-account",
        says=_(
            "An attachment or calendar that you save goes to the Drive of another account of"
            " yours, one file at a time, after a page that names the provider."
        ),
        clauses=("LU-1", "LU-2.1", "W-LU1", "W-LU2", "AN-7"),
        purposes=_UPLOAD,
        recipients=frozenset({Recipient.OTHER_OWN_ACCOUNT}),
        data_classes=_SAVED,
        needs=_LIVE_AND_AGREED | {Fact.UPLOAD_ORDERED, Fact.CROSSING_ORDERED},
        allow=True,
    ),
)
