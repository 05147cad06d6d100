"""
Row-level security: the declared policies, by table and process class.

`row_security` creates and compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from accounts.roles import Role
from config.process_classes import SITES, ProcessClass
from integrations.access.facts import SHARING_CONSENT

from .login_roles import DatabaseRoles
from .row_owners import (
    OWNERS,
    OwnedTable,
    RowOwnerColumns,
    SharedRowReader,
    StaffRowAccess,
    get_owned_tables,
    get_site_tables,
)
from .session_settings import ORGANISATION, PERSON
from .staff_visible_rows import build_found_condition, build_opened_condition
from .table_grants import FINDER, FINDER_COLUMNS, GRANTS, LOOKUP, VAULT_COLUMNS

# An unset setting, or one of a previous transaction, equals no value.
_PERSON: Final = f"nullif(current_setting('{PERSON}', true), '')::uuid"
_ORGANISATION: Final = f"nullif(current_setting('{ORGANISATION}', true), '')::uuid"
_IS_OWN_CONNECTION: Final = f"c.user_id = {_PERSON} AND c.organisation_id = {_ORGANISATION}"
_OWN_CONNECTIONS: Final = f"SELECT c.id FROM integrations_connection c WHERE {_IS_OWN_CONNECTION}"  # noqa: S608 - our own words
_OWN_INTEGRATIONS: Final = (
    "SELECT i.id FROM integrations_integration i"  # noqa: S608 - our own words
    f" JOIN integrations_connection c ON c.id = i.connection_id WHERE {_IS_OWN_CONNECTION}"
)
_LIVE_SHARES: Final = (
    f"FROM limited_use_share s WHERE s.viewer_id = {_PERSON}"
    f" AND s.organisation_id = {_ORGANISATION} AND s.withdrawn_at IS NULL"
    " AND (s.expires_at IS NULL OR s.expires_at > now())"
)
_IS_SUPPORT: Final = (
    f"(SELECT u.role = '{Role.SUPPORT}' AND u.is_active"  # noqa: S608 - our own words
    f" FROM accounts_user u WHERE u.id = {_PERSON})"
)


class RowSecurityPolicy(NamedTuple):
    """
    One policy of a role for a command on some rows.

    :param rows: the visible rows; ignored for an INSERT
    :param check: the condition on written rows, if it differs from `rows`
    :param is_permissive: False: it restricts the permissive policies
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


def list_row_security_policies(roles: DatabaseRoles, owner: str) -> Iterator[RowSecurityPolicy]:
    """
    Yield every policy.

    :param owner: the owner of the tables, who migrates; a policy shows it all rows
    """
    for table, label in get_owned_tables().items():
        owned_table = OWNERS[label]
        if not isinstance(owned_table, OwnedTable):
            continue
        yield RowSecurityPolicy(table, "owner_of_tables", owner, "ALL", "true")
        if label in LOOKUP:
            yield RowSecurityPolicy(table, "lookup", roles.lookup_owner, "SELECT", "true")
        if label in VAULT_COLUMNS:
            yield RowSecurityPolicy(table, "vault", roles.vault_owner, "SELECT", "true")
        if label in FINDER:
            yield RowSecurityPolicy(table, "finder", roles.finder_owner, "ALL", "true")
        elif label in FINDER_COLUMNS:
            yield RowSecurityPolicy(table, "finder", roles.finder_owner, "SELECT", "true")
        for role, process_class in roles.login_classes.items():
            if GRANTS[label].is_used_by(process_class):
                yield from _list_class_policies(table, owned_table, role, process_class)
    yield from _list_site_policies(roles, owner)


def _list_site_policies(roles: DatabaseRoles, owner: str) -> Iterator[RowSecurityPolicy]:
    for table, label in get_site_tables().items():
        yield RowSecurityPolicy(table, "owner_of_tables", owner, "ALL", "true")
        if label in LOOKUP:
            yield RowSecurityPolicy(table, "lookup", roles.lookup_owner, "SELECT", "true")
        for role, process_class in roles.login_classes.items():
            if GRANTS[label].is_used_by(process_class):
                own = f"site = '{process_class}'" if process_class in SITES else "true"
                yield RowSecurityPolicy(table, f"{process_class}_own", role, "ALL", own)


def _list_class_policies(
    table: str, owned_table: OwnedTable, role: str, process_class: ProcessClass
) -> Iterator[RowSecurityPolicy]:
    name, rows = _choose_rows(process_class, owned_table)
    yield RowSecurityPolicy(table, f"{process_class}_{name}", role, "ALL", rows)
    label = get_owned_tables()[table]
    if process_class is ProcessClass.WEB:
        for name, command, rows in _list_other_readers(label, owned_table):
            yield RowSecurityPolicy(table, f"web_{name}", role, command, rows)
        yield from _limit_writing(table, label, role)
    if label == "mfa.Authenticator" and process_class is ProcessClass.WEB:
        yield from _keep_factors_of_staff(table, role)
    if label == "mfa.Authenticator" and process_class is ProcessClass.STAFF:
        yield from _keep_newest_factor(table, role)
    if owned_table.opened is StaffRowAccess.AGREEMENT and process_class is ProcessClass.STAFF:
        # What a person opened for the question of one agent is hidden from the others.
        is_reader = f"reader_id IS NULL OR reader_id = {_PERSON} OR owner_id = {_PERSON}"
        yield RowSecurityPolicy(table, "staff_reader", role, "ALL", is_reader, is_permissive=False)
    if owned_table.opened is StaffRowAccess.ORDER and process_class is ProcessClass.STAFF:
        yield _limit_orders(table, owned_table, role)


def _choose_rows(process_class: ProcessClass, owned_table: OwnedTable) -> tuple[str, str]:
    if process_class is ProcessClass.STAFF:
        opened = build_opened_condition(
            owned_table,
            owner_condition=build_owner_condition(owned_table),
            is_support=_IS_SUPPORT,
            person=_PERSON,
        )
        if not owned_table.found:
            return "opened", opened
        return "opened", f"({opened}) OR {_IS_SUPPORT} AND {build_found_condition(owned_table)}"
    if _sees_all(process_class, owned_table):
        return "all", "true"
    return "theirs", build_owner_condition(owned_table)


def _keep_factors_of_staff(table: str, role: str) -> Iterator[RowSecurityPolicy]:
    """
    Yield policies that keep a web process from changing second factors of staff, who use their
    own site.

    A web process records only when a factor was last used, and which recovery codes.
    """
    is_member = f"(SELECT u.role = '{Role.MEMBER}' FROM accounts_user u WHERE u.id = {_PERSON})"  # noqa: S608 - our own words
    same = f"{is_member} OR public.is_stored_factor(id, type, data)"
    name = "web_keeps_factors"
    yield RowSecurityPolicy(table, name, role, "ALL", "true", check=same, is_permissive=False)
    yield RowSecurityPolicy(table, f"{name}_all", role, "DELETE", is_member, is_permissive=False)


def _keep_newest_factor(table: str, role: str) -> Iterator[RowSecurityPolicy]:
    """
    Yield policies that keep staff from deleting their newest second factor, or changing its type.

    Protecting the newest ensures that no order of deletions, in one transaction or two, removes
    the last factor.
    """
    is_not_newest = "id IS DISTINCT FROM (SELECT public.find_kept_factor())"
    name = "staff_keeps_factor"
    yield RowSecurityPolicy(table, name, role, "DELETE", is_not_newest, is_permissive=False)
    other_kind = f"type <> 'recovery_codes' OR {is_not_newest}"
    yield RowSecurityPolicy(
        table, f"{name}_kind", role, "UPDATE", "true", check=other_kind, is_permissive=False
    )


def _limit_orders(table: str, owned_table: OwnedTable, role: str) -> RowSecurityPolicy:
    """
    Return the policy that keeps agents from ordering something in another agent's name, or for
    a person whom they did not find; or with a time that hides the order from that person.
    """
    is_now = "asked_at BETWEEN now() - interval '5 minutes' AND now() + interval '5 minutes'"
    own = f"agent_id = {_PERSON} AND {build_found_condition(owned_table)} AND {is_now}"
    return RowSecurityPolicy(
        table, "staff_orders", role, "INSERT", "true", check=own, is_permissive=False
    )


def _limit_writing(table: str, label: str, role: str) -> Iterator[RowSecurityPolicy]:
    """
    Yield policies that keep a web process from writing its person's rows about a foreign object.

    Such a share, or a share of such a calendar, would reveal the object, and such a purge would
    remove it.
    """
    match label:
        case "limited_use.Share":
            viewed = f"viewer_id = {_PERSON} AND organisation_id = {_ORGANISATION}"
            ended = f"{viewed} AND withdrawn_at IS NOT NULL"
            yield RowSecurityPolicy(table, "web_viewer_ends", role, "UPDATE", viewed, check=ended)
            check = "withdrawn_at IS NOT NULL OR public.owns_calendar(item)"
        case "integrations.PurgeJob" | "integrations.Calendar":
            check = "public.owns_integration(integration_id)"
        case "accounts.Delegation":
            # A row that was switched off is never live again: switching on is a new row.
            live = f"switched_off_at IS NULL AND organisation_id = {_ORGANISATION}"
            yield RowSecurityPolicy(
                table, "web_live", role, "UPDATE", live, check="true", is_permissive=False
            )
            check = f"organisation_id = {_ORGANISATION}"
        case _:
            return
    yield RowSecurityPolicy(
        table, "web_own_thing", role, "ALL", "true", check=check, is_permissive=False
    )


def _sees_all(process_class: ProcessClass, owned_table: OwnedTable) -> bool:
    if process_class in SITES:
        return False
    return process_class is not ProcessClass.SYNC or owned_table.sync


def build_owner_condition(table: OwnedTable) -> str:
    match table.by:
        # A scalar subquery is evaluated once per statement. For few rows it costs more than it
        # saves, because each statement sets up its plan; a policy that reads another table also
        # sets up that table's plans.
        case RowOwnerColumns.OWNER if table.many:
            is_own_person = f"{table.column} = (SELECT {_PERSON})"
            return f"{is_own_person} AND organisation_id = (SELECT {_ORGANISATION})"
        case RowOwnerColumns.OWNER:
            return f"{table.column} = {_PERSON} AND organisation_id = {_ORGANISATION}"
        case RowOwnerColumns.PERSON:
            return f"{table.column} = {_PERSON}"
        # An array is built once per statement: an index can use it, and no row needs a lookup.
        case RowOwnerColumns.CONNECTION:
            return f"{table.column} = {_format_any(_OWN_CONNECTIONS)}"
        case RowOwnerColumns.INTEGRATION:
            return f"{table.column} = {_format_any(_OWN_INTEGRATIONS)}"


def _list_other_readers(label: str, owned_table: OwnedTable) -> Iterator[tuple[str, str, str]]:
    sharing_owners = _format_any(f"SELECT s.owner_id {_LIVE_SHARES}")
    match owned_table.also:
        case None:
            return
        case SharedRowReader.SHARED_CALENDAR:
            column = "id" if label == "integrations.Calendar" else "calendar_id"
            yield "shared", "SELECT", f"{column} = {_format_any(f'SELECT s.item {_LIVE_SHARES}')}"
        case SharedRowReader.SHARED_INTEGRATION:
            calendars = _LIVE_SHARES.replace(
                " WHERE", " JOIN integrations_calendar k ON k.id = s.item WHERE", 1
            )
            yield "shared", "SELECT", f"id = {_format_any(f'SELECT k.integration_id {calendars}')}"
        case SharedRowReader.SHARED_OWNER if owned_table.by is RowOwnerColumns.OWNER:
            rows = f"organisation_id = {_ORGANISATION} AND {owned_table.column} = {sharing_owners}"
            yield "shared", "SELECT", rows
        case SharedRowReader.SHARED_OWNER:
            connections = (
                "SELECT c.id FROM integrations_connection c"  # noqa: S608 - our own words
                f" WHERE c.organisation_id = {_ORGANISATION} AND c.user_id = {sharing_owners}"
            )
            yield "shared", "SELECT", f"{owned_table.column} = {_format_any(connections)}"
        case SharedRowReader.SHARED_AGREEMENT:
            sharing_agreement = (
                f"organisation_id = {_ORGANISATION} AND feature = '{SHARING_CONSENT.feature_key}'"
            )
            yield (
                "shared",
                "SELECT",
                f"{sharing_agreement} AND {owned_table.column} = {sharing_owners}",
            )
        case SharedRowReader.VIEWER:
            yield "viewer", "SELECT", f"viewer_id = {_PERSON} AND organisation_id = {_ORGANISATION}"


def _format_any(select: str) -> str:
    return f"ANY (ARRAY({select}))"
