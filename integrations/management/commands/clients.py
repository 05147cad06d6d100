"""
Service clients of platform features: `manage.py clients list`, `… register FEATURE KEYS PURPOSE …
[--redirect-uri URI …] --by OPERATOR --approved-by OPERATOR`, `… rotate CLIENT KEYS --by OPERATOR
--approved-by OPERATOR`, `… redirects CLIENT [URI …] --by OPERATOR --approved-by OPERATOR`,
`… retire CLIENT --by OPERATOR`.

`KEYS` is a file with the client's public keys, a JSON Web Key Set (RFC 7517). To rotate without a
gap, first use a file with the old and the new key, later one with the new key alone. `OPERATOR` is
the platform's id of an operator, whom the ledger entry names by pseudonym; two different ones give
a client keys or redirect URIs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import clients
from accounts.client_keys import KeySetFault, UnusableClientKeys, parse_key_set
from accounts.models import ClientChangeKind, ServiceClient, User
from accounts.redirect_uris import UnusableRedirectUri
from accounts.roles import RolePermission, get_role_permissions
from integrations.operations import client_changes, feature_clients
from integrations.operations.client_changes import NotApprovable
from integrations.operations.client_faults import describe_key_fault, describe_redirect_fault
from integrations.operations.feature_clients import ClientOverview
from limited_use.agreements.service_clients import OperatorChannel
from limited_use.policy.feature_registry import UndeclaredUse

_ERROR_MESSAGES: dict[type[Exception], str] = {
    clients.ServiceClientExists: "this feature has a client: rotate its keys, or retire it",
    clients.ClientNotLive: "the client is unknown or retired",
    NotApprovable: "another operator has to approve it: --approved-by OPERATOR",
}


class Command(BaseCommand):
    help = "List the clients of platform features, register, change or retire one."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(required=True)
        steps.add_parser("list", help="list all clients").set_defaults(act=_list_clients)
        register = _add_step(steps, "register", "register the client of a feature", _register)
        register.add_argument("feature", help="the feature's key in the registry")
        register.add_argument("keys", type=Path)
        register.add_argument("purpose", nargs="+", help="a purpose that the feature declares")
        register.add_argument(
            "--redirect-uri",
            dest="redirect_uris",
            metavar="URI",
            action="append",
            default=[],
            help="where people may be sent back to; may be repeated",
        )
        rotate = _add_step(steps, "rotate", "replace the client's keys", _replace_keys)
        rotate.add_argument("client")
        rotate.add_argument("keys", type=Path)
        redirects = _add_step(steps, "redirects", "replace the redirect URIs", _replace_redirects)
        redirects.add_argument("client")
        redirects.add_argument("redirect_uris", metavar="uri", nargs="*")
        retire = _add_step(steps, "retire", "retire the client and revoke its tokens", _retire)
        retire.add_argument("client")

    def handle(self, *, act: Callable[[dict[str, Any]], str], **options: Any) -> None:
        try:
            message = act(options)
        except UndeclaredUse as problem:
            raise CommandError(str(problem)) from None
        except UnusableClientKeys as problem:
            raise CommandError(str(describe_key_fault(problem))) from None
        except UnusableRedirectUri as problem:
            raise CommandError(
                f"redirect URI {problem.place + 1}: {describe_redirect_fault(problem)}"
            ) from None
        except tuple(_ERROR_MESSAGES) as problem:
            raise CommandError(_ERROR_MESSAGES[type(problem)]) from None
        self.stdout.write(message)


def _add_step(steps: Any, name: str, text: str, act: Callable[..., str]) -> CommandParser:
    parser: CommandParser = steps.add_parser(name, help=text)
    parser.set_defaults(act=act)
    # Required; checked later, for a one-line error without argparse's usage.
    parser.add_argument("--by", metavar="OPERATOR", default="", help="who does it")
    if name != "retire":
        parser.add_argument(
            "--approved-by", metavar="OPERATOR", default="", help="another one, who approved it"
        )
    return parser


def _list_clients(_: dict[str, Any]) -> str:
    overviews = feature_clients.list_client_overviews(at=timezone.now())
    lines = [line for overview in overviews for line in _describe_client(overview)]
    return "\n".join(lines) if lines else "no clients"


def _register(options: dict[str, Any]) -> str:
    values = {
        "purposes": options["purpose"],
        "jwks": _read_keys(options["keys"]),
        "redirect_uris": options["redirect_uris"],
    }
    client = _change(ClientChangeKind.REGISTER, options, values)
    return f"{client.client_id} is registered for {', '.join(client.purposes)}"


def _replace_keys(options: dict[str, Any]) -> str:
    client = _change(ClientChangeKind.KEYS, options, {"jwks": _read_keys(options["keys"])})
    count = len(client.jwks["keys"])
    return (
        f"{client.client_id} has {count} key{'s' if count > 1 else ''};"
        " every other key is refused from now on"
    )


def _replace_redirects(options: dict[str, Any]) -> str:
    values = {"redirect_uris": options["redirect_uris"]}
    client = _change(ClientChangeKind.REDIRECTS, options, values)
    return f"{client.client_id} has {len(client.redirect_uris)} redirect URIs"


def _retire(options: dict[str, Any]) -> str:
    client = _change(ClientChangeKind.RETIRE, options, {})
    return f"{client.client_id} is retired, and its tokens are revoked"


@transaction.atomic
def _change(
    kind: ClientChangeKind, options: dict[str, Any], values: dict[str, Any]
) -> ServiceClient:
    """Propose, approve and apply a change at once; a worker mails operators about it."""
    by, at = _find_operator(options["by"], "--by"), timezone.now()
    approver = by
    if kind is not ClientChangeKind.RETIRE:
        approver = _find_operator(options["approved_by"], "--approved-by")
    client = None
    if kind is not ClientChangeKind.REGISTER:
        client = ServiceClient.objects.live().filter(client_id=options["client"]).first()
        if client is None:
            raise clients.ClientNotLive
    feature = client.feature if client else options["feature"]
    change = client_changes.propose_change(
        kind, feature=feature, client=client, values=values, by=by, at=at
    )
    if kind is not ClientChangeKind.RETIRE:
        client_changes.approve_change(change, by=approver, at=at)
    return client_changes.apply_change(change, channel=OperatorChannel.COMMAND, at=at)


def _find_operator(platform_id: str, option: str) -> UUID:
    """:raises CommandError: unless an active person with this id may manage clients"""
    if not platform_id:
        raise CommandError(f"name an operator: {option} OPERATOR")
    person = User.objects.active().filter(platform_id=platform_id).first()
    if person is None or RolePermission.MANAGE_CLIENTS not in get_role_permissions(
        role=person.role, mfa=True
    ):
        raise CommandError("no active operator has this id")
    return person.id


def _read_keys(file: Path) -> dict[str, Any]:
    """:raises CommandError, UnusableClientKeys:"""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as problem:
        raise CommandError(f"{file}: {problem.strerror}") from None
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise UnusableClientKeys(KeySetFault.UNREADABLE)
    return parse_key_set(text)


def _describe_client(overview: ClientOverview) -> Iterator[str]:
    """Yield the client and its parts, a line each."""
    client = overview.client
    yield "  ".join(
        (
            client.client_id,
            f"feature {client.feature}",
            f"purposes {', '.join(client.purposes)}",
            f"registered {_format_time(client.registered_at)}",
            *([f"retired {_format_time(client.retired_at)}"] if client.retired_at else []),
            f"last used {_format_time(overview.used_at)}",
            f"open removals {overview.open_removals}, overdue {overview.overdue_removals}",
        )
    )
    for row in overview.keys:
        yield (
            f"    key {row.key.kid}  {row.key.kind}  {row.key.thumbprint}"
            f"  since {_format_time(row.since)}"
        )
    for uri in client.redirect_uris:
        yield f"    redirect {uri}"


def _format_time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "unknown"
