"""
Service clients: `manage.py clients register FEATURE KEYS PURPOSE …`, `… rotate CLIENT KEYS`, `…
retire CLIENT`.

`KEYS` is a file with the client's public keys, a JSON Web Key Set (RFC 7517). To rotate without a
gap, first use a file with the old and the new key, later one with the new key alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import clients
from limited_use.agreements import service_clients
from limited_use.policy.feature_registry import UndeclaredUse


class Command(BaseCommand):
    help = "Register the client of a platform feature, replace its keys, or retire it."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(required=True)
        subparser = steps.add_parser("register", help="register the client of a feature")
        subparser.set_defaults(act=_register_client)
        subparser.add_argument("feature", help="the feature's key in the registry")
        subparser.add_argument("keys", type=Path)
        subparser.add_argument("purpose", nargs="+", help="a purpose that the feature declares")
        subparser = steps.add_parser("rotate", help="replace the client's keys")
        subparser.set_defaults(act=_replace_client_keys)
        subparser.add_argument("client")
        subparser.add_argument("keys", type=Path)
        subparser = steps.add_parser("retire", help="retire the client and revoke its tokens")
        subparser.set_defaults(act=_retire_client)
        subparser.add_argument("client")

    def handle(self, *, act: Callable[[dict[str, Any]], str], **options: Any) -> None:
        try:
            message = act(options)
        except UndeclaredUse as problem:
            raise CommandError(str(problem)) from None
        except clients.UnusableClientKeys:
            raise CommandError(
                "the file must hold public RSA keys (2048 bits or more) or P-256 keys, each with"
                " its own kid"
            ) from None
        except clients.ServiceClientExists:
            raise CommandError("this feature has a client: rotate its keys, or retire it") from None
        except clients.ClientNotLive:
            raise CommandError("the client is unknown or retired") from None
        self.stdout.write(message)


def _register_client(options: dict[str, Any]) -> str:
    client = service_clients.register_client(
        feature=options["feature"],
        purposes=options["purpose"],
        jwks=_read_keys(options["keys"]),
        at=timezone.now(),
    )
    return f"{client.client_id} is registered for {', '.join(client.purposes)}"


def _replace_client_keys(options: dict[str, Any]) -> str:
    service_clients.replace_client_keys(
        client_id=options["client"], jwks=_read_keys(options["keys"]), at=timezone.now()
    )
    return f"{options['client']} has new keys; its former keys are refused from now on"


def _retire_client(options: dict[str, Any]) -> str:
    service_clients.retire_client(client_id=options["client"], at=timezone.now())
    return f"{options['client']} is retired, and its tokens are revoked"


def _read_keys(file: Path) -> dict[str, Any]:
    """
    :raises CommandError: if the file cannot be read
    :raises clients.UnusableClientKeys: if it is no JSON object
    """
    try:
        key_set = json.loads(file.read_bytes())
    except OSError as problem:
        raise CommandError(f"{file}: {problem.strerror}") from None
    except ValueError:
        key_set = None
    if not isinstance(key_set, dict):
        raise clients.UnusableClientKeys
    return key_set
