"""
Service clients of platform features: `manage.py clients register FEATURE KEYS PURPOSE …`,
`… rotate CLIENT KEYS`, `… retire CLIENT`.

`KEYS` is a file with the client's public keys, a JSON Web Key Set (RFC 7517). To change keys
without a gap, rotate to a file with the old and the new one, and later to the new one alone.
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
from limited_use.policy.features import Undeclared


class Command(BaseCommand):
    help = "Register the client of a platform feature, replace its keys, or retire it."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(required=True)
        one = steps.add_parser("register", help="let the feature's client ask for tokens")
        one.set_defaults(act=_register)
        one.add_argument("feature", help="its key in the feature registry")
        one.add_argument("keys", type=Path)
        one.add_argument("purpose", nargs="+", help="of those that the feature declares")
        one = steps.add_parser("rotate", help="replace its keys")
        one.set_defaults(act=_rotate)
        one.add_argument("client")
        one.add_argument("keys", type=Path)
        one = steps.add_parser("retire", help="end it and its tokens")
        one.set_defaults(act=_retire)
        one.add_argument("client")

    def handle(self, *, act: Callable[[dict[str, Any]], str], **given: Any) -> None:
        try:
            said = act(given)
        except Undeclared as problem:
            raise CommandError(str(problem)) from None
        except clients.UnusableKeys:
            raise CommandError(
                "the file holds something other than public RSA (2048 bits and up) or P-256 keys,"
                " each with a kid of its own"
            ) from None
        except clients.AlreadyCreated:
            raise CommandError("that feature has a client: rotate its keys, or retire it") from None
        except clients.NoLiveClient:
            raise CommandError("there is no such client, or it is retired") from None
        self.stdout.write(said)


def _register(given: dict[str, Any]) -> str:
    made = service_clients.register(
        feature=given["feature"],
        purposes=given["purpose"],
        jwks=_keys(given["keys"]),
        at=timezone.now(),
    )
    return f"{made.client_id} may ask for tokens: {', '.join(made.purposes)}"


def _rotate(given: dict[str, Any]) -> str:
    service_clients.rotate(client_id=given["client"], jwks=_keys(given["keys"]), at=timezone.now())
    return f"{given['client']} has new keys; what another one signs is refused from now on"


def _retire(given: dict[str, Any]) -> str:
    service_clients.retire(client_id=given["client"], at=timezone.now())
    return f"{given['client']} is retired, and its tokens are gone"


def _keys(file: Path) -> dict[str, Any]:
    """
    :raises CommandError: if the file cannot be read
    :raises clients.UnusableKeys: if it is no JSON object
    """
    try:
        found = json.loads(file.read_bytes())
    except OSError as problem:
        raise CommandError(f"{file}: {problem.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise clients.UnusableKeys
    return found
