"""
Service clients of platform features: `manage.py clients list`, `… register FEATURE KEYS PURPOSE …
[--redirect-uri URI …] --by OPERATOR`, `… rotate CLIENT KEYS --by OPERATOR`, `… redirects CLIENT
[URI …] --by OPERATOR`, `… retire CLIENT --by OPERATOR`.

`KEYS` is a file with the client's public keys, a JSON Web Key Set (RFC 7517). To rotate without a
gap, first use a file with the old and the new key, later one with the new key alone. `OPERATOR` is
the platform's id of an operator, whom the ledger entry names by pseudonym.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import clients
from accounts.client_keys import KeySetFault, UnusableClientKeys, parse_key_set
from accounts.models import User
from accounts.redirect_uris import UnusableRedirectUri
from accounts.roles import RolePermission, get_role_permissions
from integrations.operations import feature_clients
from integrations.operations.client_faults import describe_key_fault, describe_redirect_fault
from integrations.operations.feature_clients import ClientOverview
from limited_use.agreements import service_clients
from limited_use.agreements.service_clients import Operator, OperatorChannel
from limited_use.policy.feature_registry import UndeclaredUse

_ERROR_MESSAGES: dict[type[Exception], str] = {
    clients.ServiceClientExists: "this feature has a client: rotate its keys, or retire it",
    clients.ClientNotLive: "the client is unknown or retired",
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
    return parser


def _list_clients(_: dict[str, Any]) -> str:
    overviews = feature_clients.list_client_overviews(at=timezone.now())
    lines = [line for overview in overviews for line in _describe_client(overview)]
    return "\n".join(lines) if lines else "no clients"


def _register(options: dict[str, Any]) -> str:
    client = feature_clients.register_feature_client(
        feature=options["feature"],
        purposes=options["purpose"],
        jwks=_read_keys(options["keys"]),
        redirect_uris=options["redirect_uris"],
        by=_find_operator(options["by"]),
        at=timezone.now(),
    )
    return f"{client.client_id} is registered for {', '.join(client.purposes)}"


def _replace_keys(options: dict[str, Any]) -> str:
    client = service_clients.replace_client_keys(
        client_id=options["client"],
        jwks=_read_keys(options["keys"]),
        by=_find_operator(options["by"]),
        at=timezone.now(),
    )
    count = len(client.jwks["keys"])
    return (
        f"{client.client_id} has {count} key{'s' if count > 1 else ''};"
        " every other key is refused from now on"
    )


def _replace_redirects(options: dict[str, Any]) -> str:
    client = service_clients.replace_client_redirects(
        client_id=options["client"],
        redirect_uris=options["redirect_uris"],
        by=_find_operator(options["by"]),
        at=timezone.now(),
    )
    return f"{client.client_id} has {len(client.redirect_uris)} redirect URIs"


def _retire(options: dict[str, Any]) -> str:
    service_clients.retire_client(
        client_id=options["client"], by=_find_operator(options["by"]), at=timezone.now()
    )
    return f"{options['client']} is retired, and its tokens are revoked"


def _find_operator(platform_id: str) -> Operator:
    """:raises CommandError: unless an active person with this id may manage clients"""
    if not platform_id:
        raise CommandError("name the operator who does it: --by OPERATOR")
    person = User.objects.active().filter(platform_id=platform_id).first()
    if person is None or RolePermission.MANAGE_CLIENTS not in get_role_permissions(
        role=person.role, mfa=True
    ):
        raise CommandError("no active operator has this id")
    return Operator(person.id, OperatorChannel.COMMAND)


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
