"""Texts of the public pages that stand in no template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from limited_use.policy.policy_vocabulary import DataClass

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Data classes in the words of people.
DATA: Final[Mapping[DataClass, StrOrPromise]] = {
    DataClass.MAIL_METADATA: _("senders, recipients, subjects, labels and attachment names"),
    DataClass.MAIL_CONTENT: _("the text and the attachments of your mail"),
    DataClass.CALENDAR_EVENT: _("your calendar events"),
    DataClass.CALENDAR_FREEBUSY: _("the times at which you are busy"),
    DataClass.FILE_CONTENT: _("files"),
    DataClass.PROFILE: _("the address of your account"),
    DataClass.CREDENTIAL: _("the tokens of your account"),
    DataClass.CONTACT_LINK: _("the phone numbers and addresses that belong to one person"),
    DataClass.CHANNEL_CPNI: _("records of calls and messages"),
}

#: Provider pages on which owners remove access.
REVOKE_PAGES: Final = (
    (_("Google: third-party apps and services"), "https://myaccount.google.com/connections"),
    (_("Microsoft, personal account: apps"), "https://account.live.com/consent/Manage"),
    (_("Microsoft, work or school account: My Apps"), "https://myapps.microsoft.com"),
)

SESSION_COOKIE: Final = _("Keeps you signed in.")
SESSION_EXPIRY: Final = _("when you close the browser, or after %(hours)d hours")
FORM_COOKIE: Final = _("Proves that a form was sent from a page of this site.")
FORM_EXPIRY: Final = _("after %(days)d days")
DEVICE_COOKIE: Final = _(
    "Recognises this device at sign-in, so that failed attempts of other people do not lock you"
    " out."
)
DEVICE_EXPIRY: Final = _("after %(days)d days")
