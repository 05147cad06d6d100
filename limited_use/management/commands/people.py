"""
People and organisations, as the platform provisions them, by the platform's own ids.

`manage.py people found ORGANISATION NAME`, `… register PERSON EMAIL NAME [--role ROLE]`,
`… join PERSON ORGANISATION`; `… leave PERSON ORGANISATION`, `… deactivate PERSON`,
`… close ORGANISATION`. Nobody is given a password: whoever is registered sets one by the link for
forgotten ones. Run it as the owner of the tables, for no process of the service may do this. Each
step is an entry in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import memberships, organisations, user_provisioning
from accounts.models import Organisation, User
from accounts.roles import Role
from limited_use.agreements import offboarding, onboarding

_WORDS: dict[type[Exception], str] = {
    memberships.AlreadyAMember: "they belong to it already",
    memberships.NotAMember: "they do not belong to it",
    memberships.NotOpen: "the person is switched off, or the organisation closed",
    organisations.AlreadyFounded: "there is an organisation of that id",
    organisations.NoLiveOrganisation: "it is closed already",
    user_provisioning.AlreadyRegistered: "somebody has that id, or that address",
    user_provisioning.NotActive: "they are switched off already",
}


class Command(BaseCommand):
    help = "Register people and organisations, and end what they have here when they go."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(required=True)
        for act, names in {
            self.found: ("organisation", "name"),
            self.register: ("person", "email", "name"),
            self.join: ("person", "organisation"),
            self.leave: ("person", "organisation"),
            self.deactivate: ("person",),
            self.close: ("organisation",),
        }.items():
            one = steps.add_parser(act.__name__)
            one.set_defaults(act=act)
            for name in names:
                one.add_argument(name)
            if act == self.register:
                one.add_argument("--role", type=Role, choices=list(Role), default=Role.MEMBER)

    def handle(self, *, act: Callable[[dict[str, Any]], str], **given: Any) -> None:
        try:
            said = act(given)
        except tuple(_WORDS) as problem:
            raise CommandError(_WORDS[type(problem)]) from None
        self.stdout.write(said)

    def found(self, given: dict[str, Any]) -> str:
        onboarding.found(platform_id=given["organisation"], name=given["name"], at=timezone.now())
        return "founded"

    def register(self, given: dict[str, Any]) -> str:
        person = user_provisioning.Person(
            given["person"], given["email"], given["name"], given["role"]
        )
        onboarding.register(person, at=timezone.now())
        return f"registered as {given['role']}; they set a password by the link for forgotten ones"

    def join(self, given: dict[str, Any]) -> str:
        onboarding.join(**_both(given), at=timezone.now())
        return "joined"

    def leave(self, given: dict[str, Any]) -> str:
        return _gone(offboarding.leave(**_both(given), at=timezone.now()))

    def deactivate(self, given: dict[str, Any]) -> str:
        return _gone(offboarding.deactivate(user_id=_person(given), at=timezone.now()))

    def close(self, given: dict[str, Any]) -> str:
        return _gone(offboarding.close(organisation_id=_organisation(given), at=timezone.now()))


def _gone(shares: int) -> str:
    return (
        f"features, sessions and {shares} shares ended; what was connected opens for nobody, and"
        " its removal begins with the next sweep"
    )


def _both(given: dict[str, Any]) -> dict[str, UUID]:
    return {"user_id": _person(given), "organisation_id": _organisation(given)}


def _person(given: dict[str, Any]) -> UUID:
    found = User.objects.filter(platform_id=given["person"]).values_list("id", flat=True).first()
    if found is None:
        raise CommandError("nobody has that id")
    return found


def _organisation(given: dict[str, Any]) -> UUID:
    named = Organisation.objects.filter(platform_id=given["organisation"])
    found = named.values_list("id", flat=True).first()
    if found is None:
        raise CommandError("no organisation has that id")
    return found
