"""All states, by contact sheet."""

from __future__ import annotations

from tests.contact_sheets.state import Group, State

from . import (
    accounts,
    authorize,
    bulk,
    calendar,
    clients,
    connections,
    data_use,
    disconnecting,
    drive_account,
    files,
    inbox,
    mails,
    notices,
    public,
    saving,
    sending,
    settings,
    staff,
    standing_consents,
    support,
    support_acts,
    support_questions,
)

GROUPS: tuple[Group, ...] = (
    public.GROUP,
    settings.GROUP,
    connections.GROUP,
    disconnecting.GROUP,
    inbox.GROUP,
    sending.GROUP,
    calendar.GROUP,
    drive_account.GROUP,
    files.GROUP,
    saving.GROUP,
    data_use.GROUP,
    authorize.GROUP,
    notices.GROUP,
    standing_consents.GROUP,
    accounts.GROUP,
    staff.GROUP,
    bulk.GROUP,
    clients.GROUP,
    support_questions.GROUP,
    support.GROUP,
    support_acts.GROUP,
    mails.GROUP,
)
STATES: tuple[State, ...] = tuple(state for group in GROUPS for state in group)
