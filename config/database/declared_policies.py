"""
Row-level security: which policies there are, by table and class of process.

`policies` makes them in the database and compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from accounts.roles import Role
from config.process_classes import SITES, ProcessClass
from integrations.access.facts import OF_SHARING

from .grants import GRANTS, LOOKUP, VAULT_COLUMNS
from .login_roles import Roles
from .row_owners import OWNERS, Also, By, Held, tables, tables_per_site
from .session_settings import ORGANISATION, PERSON
from .staff_visible_rows import find_opened

# A setting that is not set, or that a transaction before had set, equals nothing.
_ME: Final = f"nullif(current_setting('{PERSON}', true), '')::uuid"
_HERE: Final = f"nullif(current_setting('{ORGANISATION}', true), '')::uuid"
_MINE: Final = f"c.user_id = {_ME} AND c.organisation_id = {_HERE}"
_CONNECTIONS: Final = f"SELECT c.id FROM integrations_connection c WHERE {_MINE}"  # noqa: S608 - our own words
_INTEGRATIONS: Final = (
    "SELECT i.id FROM integrations_integration i"  # noqa: S608 - our own words
    f" JOIN integrations_connection c ON c.id = i.connection_id WHERE {_MINE}"
)
_SHOWN: Final = (
    f"FROM limited_use_share s WHERE s.viewer_id = {_ME} AND s.organisation_id = {_HERE}"
    " AND s.withdrawn_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())"
)
_IS_SUPPORT: Final = (
    f"(SELECT u.role = '{Role.SUPPORT}' AND u.is_active FROM accounts_user u WHERE u.id = {_ME})"  # noqa: S608 - our own words
)


class Policy(NamedTuple):
    """
    One policy: for whom, for which command, and of which rows.

    :param check: what rows have to be that are written, if not the same
    :param is_permissive: False: it takes away what another policy gives
    """

    table: str
    name: str
    role: str
    command: str
    rows: str
    check: str | None = None
    is_permissive: bool = True

    def __str__(self) -> str:
        return f"policy {self.name} on {self.table}"


def wanted(roles: Roles, owner: str) -> Iterator[Policy]:
    """
    Return every policy.

    :param owner: of the tables, who migrates: nothing is hidden from it, and a policy says so
    """
    for table, label in tables().items():
        line = OWNERS[label]
        if not isinstance(line, Held):
            continue
        yield Policy(table, "owner_of_tables", owner, "ALL", "true")
        if label in LOOKUP:
            yield Policy(table, "lookup", roles.lookup, "SELECT", "true")
        if label in VAULT_COLUMNS:
            yield Policy(table, "vault", roles.vault, "SELECT", "true")
        for role, process_class in roles.logins.items():
            if GRANTS[label].is_used_by(process_class):
                yield from _of_class(table, line, role, process_class)
    yield from _wanted_per_site(roles, owner)


def _wanted_per_site(roles: Roles, owner: str) -> Iterator[Policy]:
    for table, label in tables_per_site().items():
        yield Policy(table, "owner_of_tables", owner, "ALL", "true")
        if label in LOOKUP:
            yield Policy(table, "lookup", roles.lookup, "SELECT", "true")
        for role, process_class in roles.logins.items():
            if GRANTS[label].is_used_by(process_class):
                own = f"site = '{process_class}'" if process_class in SITES else "true"
                yield Policy(table, f"{process_class}_own", role, "ALL", own)


def _of_class(table: str, line: Held, role: str, process_class: ProcessClass) -> Iterator[Policy]:
    """Yield the policies of one class of process on one table."""
    name, rows = _choose_rows(process_class, line)
    yield Policy(table, f"{process_class}_{name}", role, "ALL", rows)
    label = tables()[table]
    if process_class is ProcessClass.WEB:
        for name, command, rows in _also(label, line):
            yield Policy(table, f"web_{name}", role, command, rows)
        yield from _limit_writing(table, label, role)
    if label == "mfa.Authenticator" and process_class is ProcessClass.WEB:
        yield from _keep_factors_of_staff(table, role)
    if label == "mfa.Authenticator" and process_class is ProcessClass.STAFF:
        yield from _keep_newest_factor(table, role)


def _choose_rows(process_class: ProcessClass, line: Held) -> tuple[str, str]:
    """Return the end of a policy's name, and the condition on the rows that a class is shown."""
    if process_class is ProcessClass.STAFF:
        return "opened", find_opened(line, theirs=theirs(line), is_support=_IS_SUPPORT)
    if _sees_all(process_class, line):
        return "all", "true"
    return "theirs", theirs(line)


def _keep_factors_of_staff(table: str, role: str) -> Iterator[Policy]:
    """
    Yield what keeps a web process from changing a second factor of staff: they do it at their site.

    It only writes when a factor was last used, and which recovery codes were.
    """
    is_member = f"(SELECT u.role = '{Role.MEMBER}' FROM accounts_user u WHERE u.id = {_ME})"  # noqa: S608 - our own words
    same = f"{is_member} OR public.is_stored_factor(id, type, data)"
    name = "web_keeps_factors"
    yield Policy(table, name, role, "ALL", "true", check=same, is_permissive=False)
    yield Policy(table, f"{name}_all", role, "DELETE", is_member, is_permissive=False)


def _keep_newest_factor(table: str, role: str) -> Iterator[Policy]:
    """
    Yield what keeps staff from deleting their newest second factor, or making it another kind.

    The newest, so that no order of deletions, in one transaction or two, leaves them without.
    """
    kept = "id IS DISTINCT FROM (SELECT public.find_kept_factor())"
    name = "staff_keeps_factor"
    yield Policy(table, name, role, "DELETE", kept, is_permissive=False)
    other_kind = f"type <> 'recovery_codes' OR {kept}"
    yield Policy(
        table, f"{name}_kind", role, "UPDATE", "true", check=other_kind, is_permissive=False
    )


def _limit_writing(table: str, label: str, role: str) -> Iterator[Policy]:
    """
    Yield what keeps a web process from writing rows of its person about a thing of somebody else.

    Such a share, or a share of such a calendar, would show that thing, and such a purge remove it.
    """
    match label:
        case "limited_use.Share":
            viewed = f"viewer_id = {_ME} AND organisation_id = {_HERE}"
            ended = f"{viewed} AND withdrawn_at IS NOT NULL"
            yield Policy(table, "web_viewer_ends", role, "UPDATE", viewed, check=ended)
            check = "withdrawn_at IS NOT NULL OR public.owns_calendar(item)"
        case "integrations.PurgeJob" | "integrations.Calendar":
            check = "public.owns_integration(integration_id)"
        case _:
            return
    yield Policy(table, "web_own_thing", role, "ALL", "true", check=check, is_permissive=False)


def _sees_all(process_class: ProcessClass, line: Held) -> bool:
    if process_class in SITES:
        return False
    return process_class is not ProcessClass.SYNC or line.sync


def theirs(line: Held) -> str:
    """Return the condition on a row for being of whom the transaction is for."""
    match line.by:
        # Looked up once per statement, as a scalar of its own. Where there are few rows, such a
        # scalar costs more than it saves, being a plan that each statement sets up; and a policy
        # that looks into tables sets up those of theirs as well.
        case By.OWNER if line.many:
            return f"{line.column} = (SELECT {_ME}) AND organisation_id = (SELECT {_HERE})"
        case By.OWNER:
            return f"{line.column} = {_ME} AND organisation_id = {_HERE}"
        case By.PERSON:
            return f"{line.column} = {_ME}"
        # Arrays made once per statement: an index takes them, and no row costs a look-up.
        case By.CONNECTION:
            return f"{line.column} = {_any(_CONNECTIONS)}"
        case By.INTEGRATION:
            return f"{line.column} = {_any(_INTEGRATIONS)}"


def _also(label: str, line: Held) -> Iterator[tuple[str, str, str]]:
    """Return name, command and condition of what others may do with a row."""
    theirs_who_share = _any(f"SELECT s.owner_id {_SHOWN}")
    match line.also:
        case None:
            return
        case Also.SHARED_CALENDAR:
            column = "id" if label == "integrations.Calendar" else "calendar_id"
            yield "shared", "SELECT", f"{column} = {_any(f'SELECT s.item {_SHOWN}')}"
        case Also.SHARED_INTEGRATION:
            calendars = _SHOWN.replace(
                " WHERE", " JOIN integrations_calendar k ON k.id = s.item WHERE", 1
            )
            yield "shared", "SELECT", f"id = {_any(f'SELECT k.integration_id {calendars}')}"
        case Also.SHARED_OWNER if line.by is By.OWNER:
            rows = f"organisation_id = {_HERE} AND {line.column} = {theirs_who_share}"
            yield "shared", "SELECT", rows
        case Also.SHARED_OWNER:
            found = (
                "SELECT c.id FROM integrations_connection c"  # noqa: S608 - our own words
                f" WHERE c.organisation_id = {_HERE} AND c.user_id = {theirs_who_share}"
            )
            yield "shared", "SELECT", f"{line.column} = {_any(found)}"
        case Also.SHARED_AGREEMENT:
            here = f"organisation_id = {_HERE} AND feature = '{OF_SHARING.key}'"
            yield "shared", "SELECT", f"{here} AND {line.column} = {theirs_who_share}"
        case Also.VIEWER:
            yield "viewer", "SELECT", f"viewer_id = {_ME} AND organisation_id = {_HERE}"


def _any(select: str) -> str:
    return f"ANY (ARRAY({select}))"
