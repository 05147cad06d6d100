"""Control functions for Microsoft's accounts, tenants, consents and tokens."""

from typing import Any

from integrations.sandbox.calendars.store import SandboxCalendar
from integrations.sandbox.control import calendars, mailboxes
from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.microsoft.accounts import (
    PERSONAL_DOMAINS,
    PERSONAL_TENANT,
    EntraTenant,
    MicrosoftAccount,
    make_oid,
    make_personal_oid,
    make_tid,
)
from integrations.sandbox.microsoft.graph import notifications, subscriptions
from integrations.sandbox.microsoft.mail.outlook_mailbox import WELL_KNOWN, OutlookMailbox
from integrations.sandbox.microsoft.problems import AADSTS_ERRORS
from integrations.sandbox.microsoft.scopes import to_bare_scopes
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]


def find_microsoft_account(state: SandboxState, values: Values) -> MicrosoftAccount:
    account = state.microsoft.accounts.find(require_text(values, "email"))
    if account is None:
        raise Misuse("no such account at Microsoft")
    return account


def add_account(state: SandboxState, values: Values) -> Values:
    """
    {email, name?, oid?, tid?, admin?, disabled?, zone? (Windows' name), claims?, mail?, calendar?,
    and mailbox fields}. An address of outlook.com is a personal account.
    """
    email = require_text(values, "email")
    domain = email.partition("@")[2].lower()
    is_personal = domain in PERSONAL_DOMAINS
    tid = PERSONAL_TENANT if is_personal else values.get("tid") or make_tid(domain)
    if not is_personal:
        state.microsoft.accounts.add_tenant(tid, domain)
    account = MicrosoftAccount(
        email=email,
        sub=values.get("oid") or (make_personal_oid if is_personal else make_oid)(f"{tid} {email}"),
        name=values.get("name") or email.partition("@")[0].replace(".", " ").title(),
        claims=dict(values.get("claims", {})),
        tid=tid,
        is_admin=bool(values.get("admin", False)),
        is_disabled=bool(values.get("disabled", False)),
        zone=values.get("zone", MicrosoftAccount.zone),
    )
    if values.get("mail", True):
        account.mailbox = mailboxes.make_mailbox(state, account, values)
        account.outlook = OutlookMailbox(account.mailbox, account.oid)
        account.outlook.on_change = lambda change: notifications.notify_mail_changed(
            state, account, change
        )
    if values.get("calendar", True):
        calendars.add_calendars(state, account, values.get("calendar_fields", {}))
        _notify_of_calendar_changes(state, account)
    state.microsoft.accounts.add(account)
    return {"email": email, "oid": account.oid, "tid": tid} | (
        mailboxes.summarize_mailbox(account) if account.mailbox else {}
    )


def _notify_of_calendar_changes(state: SandboxState, account: MicrosoftAccount) -> None:
    def notify_of_change(calendar: SandboxCalendar) -> None:
        last_id = max(calendar.changed_versions, key=calendar.changed_versions.__getitem__)
        notifications.notify_calendar_changed(state, account, calendar.events[last_id])

    for list_entry in account.calendars.entries.values() if account.calendars else ():
        list_entry.calendar.on_change = notify_of_change


def send_lifecycle_event(state: SandboxState, values: Values) -> Values:
    """{email, event: reauthorizationRequired | subscriptionRemoved | missed}"""
    oid, event = find_microsoft_account(state, values).oid, require_text(values, "event")
    if event not in notifications.LIFECYCLE_EVENTS:
        raise Misuse(f"there are {notifications.LIFECYCLE_EVENTS}")
    subscription_list = [
        subscription for subscription in subscriptions.list_live(state) if subscription.oid == oid
    ]
    return {
        "told": sum(
            notifications.send_lifecycle_event(state, subscription, event)
            for subscription in subscription_list
        )
    }


def show_subscriptions(state: SandboxState, values: Values) -> Values:
    """{email}"""
    oid = find_microsoft_account(state, values).oid
    subscription_list = [
        subscription for subscription in subscriptions.list_live(state) if subscription.oid == oid
    ]
    return {
        "subscriptions": [
            subscription.to_json() | {"reauthorized": subscription.reauthorized}
            for subscription in subscription_list
        ]
    }


def _get_tenant(state: SandboxState, values: Values) -> EntraTenant:
    domain = require_text(values, "domain")
    return state.microsoft.accounts.find_tenant(domain) or state.microsoft.accounts.add_tenant(
        make_tid(domain), domain
    )


def set_tenant(state: SandboxState, values: Values) -> Values:
    """{domain, consent?: user | admin, workflow?, assigned_only?: {client id: [e-mails]}}"""
    tenant = _get_tenant(state, values)
    tenant.consent = values.get("consent", tenant.consent)
    if tenant.consent not in ("user", "admin"):
        raise Misuse("consent is user or admin")
    tenant.workflow = bool(values.get("workflow", tenant.workflow))
    for client_id, emails in values.get("assigned_only", {}).items():
        accounts = (find_microsoft_account(state, {"email": email}) for email in emails)
        tenant.assigned_only[client_id] = frozenset(account.oid for account in accounts)
    return show_tenant(state, values)


def approve_client(state: SandboxState, values: Values) -> Values:
    """{domain, client_id, scopes}: the administrator grants consent in the portal."""
    tenant = _get_tenant(state, values)
    client_id = require_text(values, "client_id")
    tenant.admin_consents[client_id] = to_bare_scopes(require_text(values, "scopes").split())
    tenant.requests = [filed for filed in tenant.requests if filed[0] != client_id]
    return show_tenant(state, values)


def show_tenant(state: SandboxState, values: Values) -> Values:
    """{domain}"""
    tenant = _get_tenant(state, values)
    return {
        "tid": tenant.tid,
        "consent": tenant.consent,
        "admin_consents": {name: sorted(scopes) for name, scopes in tenant.admin_consents.items()},
        "requests": [{"client_id": client_id, "oid": oid} for client_id, oid in tenant.requests],
    }


def expire_access_tokens(state: SandboxState, values: Values) -> Values:
    """{email}: refresh tokens live."""
    return {
        "expired": state.microsoft.grants.expire_access_tokens(
            find_microsoft_account(state, values).oid
        )
    }


def kill_refresh_tokens(state: SandboxState, values: Values) -> Values:
    """{email, code?: the AADSTS number of the refusals (50173)}"""
    number = int(values.get("code", 50173))
    if number not in AADSTS_ERRORS:
        raise Misuse(f"there are {sorted(AADSTS_ERRORS)}")
    return {
        "killed": state.microsoft.grants.kill_refresh_tokens(
            find_microsoft_account(state, values).oid, number
        )
    }


def forget_consents(state: SandboxState, values: Values) -> Values:
    """{email}: the next refresh fails (AADSTS65001)."""
    return {
        "revoked": state.microsoft.grants.forget_consent(find_microsoft_account(state, values).oid)
    }


def challenge_tokens(state: SandboxState, values: Values) -> Values:
    """{email, claims?}: CAE. With claims, refreshes fail until the account meets them."""
    account = find_microsoft_account(state, values)
    if claims := values.get("claims", ""):
        state.microsoft.grants.required_claims[account.oid] = claims
    return {"challenged": state.microsoft.grants.challenge_tokens(account.oid)}


def satisfy_claims(state: SandboxState, values: Values) -> Values:
    """{email}"""
    state.microsoft.grants.required_claims.pop(find_microsoft_account(state, values).oid, None)
    return {}


def change_account(state: SandboxState, values: Values) -> Values:
    """{email, disabled?, zone?, name?}"""
    account = find_microsoft_account(state, values)
    account.is_disabled = bool(values.get("disabled", account.is_disabled))
    account.zone = values.get("zone", account.zone)
    account.name = values.get("name", account.name)
    return {"oid": account.oid}


def name_folder(state: SandboxState, values: Values) -> Values:
    """{email, name, folder}: moves the well-known name to this folder (an id)."""
    outlook = find_microsoft_account(state, values).outlook
    name = require_text(values, "name")
    folder = outlook.folders.get(require_text(values, "folder")) if outlook else None
    if outlook is None or folder is None or name not in WELL_KNOWN:
        raise Misuse("no such folder, or no such name")
    for other in outlook.folders.values():
        other.well_known = "" if other.well_known == name else other.well_known
    folder.well_known = name
    return {"id": folder.id}


def rotate_keys(state: SandboxState, _: Values) -> Values:
    return {"kid": state.microsoft.keys.rotate_key()}


def show_microsoft_grants(state: SandboxState, values: Values) -> Values:
    """{email}"""
    account, grants = find_microsoft_account(state, values), state.microsoft.grants
    return {
        "consents": {
            client_id: sorted(scopes)
            for (client_id, oid), scopes in grants.consents.items()
            if oid == account.oid
        },
        "refresh_tokens": [
            refresh_token.token
            for refresh_token in grants.list_refresh_tokens(account.oid)
            if not grants.get_refusal_number(refresh_token)
        ],
        "access_tokens": [
            token
            for token, access_token in grants.access_tokens.items()
            if access_token.oid == account.oid and grants.find_access_token(token)
        ],
    }
