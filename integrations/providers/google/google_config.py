from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from integrations.providers.files import FolderChoice
from integrations.providers.mail import MailUnits
from integrations.providers.outgoing_mail import OutgoingMailLimits
from integrations.providers.provider_definition import Provider

from .drive_files import FOLDER_TYPE
from .gmail_adapter import open_mail
from .gmail_sender import MAX_MESSAGE_BYTES
from .google_calendar_adapter import open_calendars
from .google_drive_adapter import open_files
from .google_scopes import (
    CALENDAR_READ,
    CALENDAR_WRITE,
    DRIVE_FILE,
    DRIVE_UPLOAD,
    IDENTITY,
    MAIL_READ,
    MAIL_SEND,
)
from .watch import open_calendar_watch, open_mail_watch

_AUTH: Final = "https://www.googleapis.com/auth/"

# https://developers.google.com/workspace/gmail/api/reference/quota (since 2026-05-01). An
# attachment costs a message read as well, because its id changes between reads.
UNITS: Final = MailUnits(
    profile=1,
    labels=1,
    list_page=5,
    fetch=20,
    fetch_thread=40,
    changes=2,
    attachment=40,
    watch=100,
    stop=50,
    # The profile is read as well: its historyId is the checkpoint.
    create_draft=11,
    # A list, and one draft to read and delete.
    delete_drafts=35,
    send_draft=100,
    # A page of history, two messages and the draft. A mailbox that sends much costs more, and pays
    # no more: 50 messages and 20 pages of history are 1,060 units.
    look_for_sent=62,
    send_addresses=5,
)

GOOGLE: Final = Provider(
    key="google",
    label="Google",
    issuer="https://accounts.google.com",
    # `offline` and `consent`: Google issues a refresh token only after a shown consent. No
    # `include_granted_scopes`: it would add scopes that the user granted elsewhere.
    authorize_params=MappingProxyType({"access_type": "offline", "prompt": "consent"}),
    identity_permissions=IDENTITY,
    scope_aliases=MappingProxyType(
        {_AUTH + "userinfo.email": "email", _AUTH + "userinfo.profile": "profile"}
    ),
    capabilities=MappingProxyType(
        {
            capability.key: capability
            for capability in (
                MAIL_READ,
                MAIL_SEND,
                CALENDAR_READ,
                CALENDAR_WRITE,
                DRIVE_UPLOAD,
            )
        }
    ),
    revocation_pages=("https://myaccount.google.com/connections",),
    webmail_url="https://mail.google.com/mail/",
    mail_units=UNITS,
    # https://support.google.com/mail/answer/22839
    outgoing_mail=OutgoingMailLimits(
        max_message_bytes=MAX_MESSAGE_BYTES,
        has_signatures=True,
        settle_time=timedelta(seconds=30),
    ),
    rate_setting_prefix="GMAIL",
    open_mail=open_mail,
    watch_mail=open_mail_watch,
    watch_calendars=open_calendar_watch,
    open_calendars=open_calendars,
    open_files=open_files,
    # Google's picker for applications without its script: an authorization request that shows
    # folders and grants the chosen one. It takes no other scope, and Google reads the project's
    # number from the client's id.
    # https://developers.google.com/workspace/drive/picker/guides/desktop-mobile-picker
    folder_choice=FolderChoice(
        scope=DRIVE_FILE,
        authorize_params={
            "prompt": "consent",
            "trigger_onepick": "true",
            "allow_folder_selection": "true",
            "mimetypes": FOLDER_TYPE,
            "include_granted_scopes": "false",
        },
        result_param="picked_file_ids",
    ),
)
