"""What can be done to Microsoft's accounts, tenants, consents and tokens from outside."""

from typing import Any

from integrations.sandbox.calendars.store import Calendar
from integrations.sandbox.control import calendars, mailboxes
from integrations.sandbox.control.errors import Misuse, text
from integrations.sandbox.microsoft.accounts import (
    PERSONAL,
    PERSONAL_DOMAINS,
    Account,
    Tenant,
    oid_of,
    personal_oid_of,
    tid_of,
)
from integrations.sandbox.microsoft.graph import notifying, subscriptions
from integrations.sandbox.microsoft.mail.outlook import WELL_KNOWN, Outlook
from integrations.sandbox.microsoft.problems import CODES
from integrations.sandbox.microsoft.scopes import bares
from integrations.sandbox.world import World

Values = dict[str, Any]


def account(world: World, values: Values) -> Account:
    found = world.microsoft.people.find(text(values, "email"))
    if found is None:
        raise Misuse("no such account at Microsoft")
    return found


def add_account(world: World, values: Values) -> Values:
    """
    {email, name?, oid?, tid?, admin?, disabled?, zone? (Windows' name), claims?, mail?, calendar?,
    and the fields of a mailbox}. An address of outlook.com is a private account.
    """
    email = text(values, "email")
    domain = email.partition("@")[2].lower()
    is_personal = domain in PERSONAL_DOMAINS
    tid = PERSONAL if is_personal else values.get("tid") or tid_of(domain)
    if not is_personal:
        world.microsoft.people.open(tid, domain)
    made = Account(
        email=email,
        sub=values.get("oid") or (personal_oid_of if is_personal else oid_of)(f"{tid} {email}"),
        name=values.get("name") or email.partition("@")[0].replace(".", " ").title(),
        claims=dict(values.get("claims", {})),
        tid=tid,
        is_admin=bool(values.get("admin", False)),
        is_disabled=bool(values.get("disabled", False)),
        zone=values.get("zone", Account.zone),
    )
    if values.get("mail", True):
        made.mailbox = mailboxes.make(world, made, values)
        made.outlook = Outlook(made.mailbox, made.oid)
        made.outlook.on_change = lambda change: notifying.mail_changed(world, made, change)
    if values.get("calendar", True):
        calendars.make(world, made, values.get("calendar_fields", {}))
        _watch(world, made)
    world.microsoft.people.add(made)
    return {"email": email, "oid": made.oid, "tid": tid} | (
        mailboxes.summary(made) if made.mailbox else {}
    )


def _watch(world: World, account: Account) -> None:
    def changed(calendar: Calendar) -> None:
        last = max(calendar.changed, key=calendar.changed.__getitem__)
        notifying.calendar_changed(world, account, calendar.events[last])

    for seen in account.calendars.seen.values() if account.calendars else ():
        seen.calendar.on_change = changed


def lifecycle(world: World, values: Values) -> Values:
    """{email, event: reauthorizationRequired | subscriptionRemoved | missed}"""
    oid, event = account(world, values).oid, text(values, "event")
    if event not in notifying.LIFECYCLE:
        raise Misuse(f"there are {notifying.LIFECYCLE}")
    found = [one for one in subscriptions.living(world) if one.oid == oid]
    return {"told": sum(notifying.lifecycle(world, one, event) for one in found)}


def look_subscriptions(world: World, values: Values) -> Values:
    """{email}"""
    oid = account(world, values).oid
    found = [one for one in subscriptions.living(world) if one.oid == oid]
    return {"subscriptions": [one.shown() | {"reauthorized": one.reauthorized} for one in found]}


def _tenant(world: World, values: Values) -> Tenant:
    domain = text(values, "domain")
    return world.microsoft.people.tenant(domain) or world.microsoft.people.open(
        tid_of(domain), domain
    )


def tenant(world: World, values: Values) -> Values:
    """{domain, consent?: user | admin, workflow?, assigned_only?: {client id: [e-mails]}}"""
    found = _tenant(world, values)
    found.consent = values.get("consent", found.consent)
    if found.consent not in ("user", "admin"):
        raise Misuse("consent is user or admin")
    found.workflow = bool(values.get("workflow", found.workflow))
    for client_id, emails in values.get("assigned_only", {}).items():
        people = (account(world, {"email": one}) for one in emails)
        found.assigned_only[client_id] = frozenset(one.oid for one in people)
    return look_tenant(world, values)


def approve(world: World, values: Values) -> Values:
    """{domain, client_id, scopes}: the administrator agrees in their own portal."""
    found = _tenant(world, values)
    client_id = text(values, "client_id")
    found.admin_consents[client_id] = bares(text(values, "scopes").split())
    found.requests = [one for one in found.requests if one[0] != client_id]
    return look_tenant(world, values)


def look_tenant(world: World, values: Values) -> Values:
    """{domain}"""
    found = _tenant(world, values)
    return {
        "tid": found.tid,
        "consent": found.consent,
        "admin_consents": {name: sorted(one) for name, one in found.admin_consents.items()},
        "requests": [{"client_id": one, "oid": oid} for one, oid in found.requests],
    }


def expire_access(world: World, values: Values) -> Values:
    """{email}: access tokens end, refresh tokens live."""
    return {"expired": world.microsoft.grants.expire_access(account(world, values).oid)}


def kill(world: World, values: Values) -> Values:
    """{email, code?: the AADSTS number that refreshes are refused with (50173)}"""
    number = int(values.get("code", 50173))
    if number not in CODES:
        raise Misuse(f"there are {sorted(CODES)}")
    return {"killed": world.microsoft.grants.kill(account(world, values).oid, number)}


def revoke(world: World, values: Values) -> Values:
    """{email}: the person removes the app; noticed at the next refresh (AADSTS65001)."""
    return {"revoked": world.microsoft.grants.forget_consent(account(world, values).oid)}


def challenge(world: World, values: Values) -> Values:
    """{email, claims?}: CAE. With claims, a refresh is refused too until the person met them."""
    found = account(world, values)
    if claims := values.get("claims", ""):
        world.microsoft.grants.demanded[found.oid] = claims
    return {"challenged": world.microsoft.grants.challenge(found.oid)}


def satisfy(world: World, values: Values) -> Values:
    """{email}: what was demanded of the person was given."""
    world.microsoft.grants.demanded.pop(account(world, values).oid, None)
    return {}


def change(world: World, values: Values) -> Values:
    """{email, disabled?, zone?, name?}"""
    found = account(world, values)
    found.is_disabled = bool(values.get("disabled", found.is_disabled))
    found.zone = values.get("zone", found.zone)
    found.name = values.get("name", found.name)
    return {"oid": found.oid}


def name_folder(world: World, values: Values) -> Values:
    """{email, name, folder}: the well-known name stands for that folder (its id) from now on."""
    outlook = account(world, values).outlook
    name = text(values, "name")
    found = outlook.folders.get(text(values, "folder")) if outlook else None
    if outlook is None or found is None or name not in WELL_KNOWN:
        raise Misuse("no such folder, or no such name")
    for one in outlook.folders.values():
        one.well_known = "" if one.well_known == name else one.well_known
    found.well_known = name
    return {"id": found.id}


def rotate_keys(world: World, _: Values) -> Values:
    return {"kid": world.microsoft.keys.rotate()}


def look_grants(world: World, values: Values) -> Values:
    """{email}: consents, and the tokens that live."""
    found, grants = account(world, values), world.microsoft.grants
    return {
        "consents": {c: sorted(one) for (c, oid), one in grants.consents.items()
                     if oid == found.oid},
        "refresh_tokens": [one.token for one in grants.of(found.oid) if not grants.why_not(one)],
        "access_tokens": [t for t, one in grants.accesses.items()
                          if one.oid == found.oid and grants.access(t)],
    }  # fmt: skip
