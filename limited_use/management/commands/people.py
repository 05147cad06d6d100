"""
People and organisations, as the platform provisions them, by the platform's own ids.

`manage.py people found ORGANISATION NAME`, `… register PERSON EMAIL NAME [--role ROLE]`, `… join
PERSON ORGANISATION`; `… leave PERSON ORGANISATION`, `… deactivate PERSON`, `… close
ORGANISATION`. Registered people set their password by the reset link. Run it as the owner of the
tables: no process of the service may do this. Each step is a ledger entry.
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

_ERROR_MESSAGES: dict[type[Exception], str] = {
    memberships.AlreadyMember: "the person is a member already",
    memberships.NotAMember: "the person is not a member",
    memberships.JoinNotAllowed: "the person is deactivated, or the organisation is closed",
    organisations.OrganisationExists: "an organisation has this id already",
    organisations.OrganisationNotLive: "the organisation is closed already",
    user_provisioning.UserExists: "another person has this id or this address",
    user_provisioning.UserNotActive: "the person is deactivated already",
}


class Command(BaseCommand):
    help = "Register people and organisations, and remove their data when they leave."

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
            subparser = steps.add_parser(act.__name__)
            subparser.set_defaults(act=act)
            for name in names:
                subparser.add_argument(name)
            if act == self.register:
                subparser.add_argument("--role", type=Role, choices=list(Role), default=Role.MEMBER)

    def handle(self, *, act: Callable[[dict[str, Any]], str], **options: Any) -> None:
        try:
            message = act(options)
        except tuple(_ERROR_MESSAGES) as problem:
            raise CommandError(_ERROR_MESSAGES[type(problem)]) from None
        self.stdout.write(message)

    def found(self, options: dict[str, Any]) -> str:
        onboarding.found_organisation(
            platform_id=options["organisation"], name=options["name"], at=timezone.now()
        )
        return "founded"

    def register(self, options: dict[str, Any]) -> str:
        person = user_provisioning.NewPerson(
            options["person"], options["email"], options["name"], options["role"]
        )
        onboarding.register_person(person, at=timezone.now())
        return f"registered as {options['role']}; the person sets a password with *Forgot password*"

    def join(self, options: dict[str, Any]) -> str:
        onboarding.join_organisation(**_find_membership_ids(options), at=timezone.now())
        return "joined"

    def leave(self, options: dict[str, Any]) -> str:
        return _describe_end(
            offboarding.leave_organisation(**_find_membership_ids(options), at=timezone.now())
        )

    def deactivate(self, options: dict[str, Any]) -> str:
        return _describe_end(
            offboarding.deactivate_person(user_id=_find_person_id(options), at=timezone.now())
        )

    def close(self, options: dict[str, Any]) -> str:
        return _describe_end(
            offboarding.close_organisation(
                organisation_id=_find_organisation_id(options), at=timezone.now()
            )
        )


def _describe_end(shares: int) -> str:
    return (
        f"features, sessions and {shares} shares ended; connected data can no longer be decrypted,"
        " and its removal begins with the next sweep"
    )


def _find_membership_ids(options: dict[str, Any]) -> dict[str, UUID]:
    return {"user_id": _find_person_id(options), "organisation_id": _find_organisation_id(options)}


def _find_person_id(options: dict[str, Any]) -> UUID:
    person_id = (
        User.objects.filter(platform_id=options["person"]).values_list("id", flat=True).first()
    )
    if person_id is None:
        raise CommandError("no person has this id")
    return person_id


def _find_organisation_id(options: dict[str, Any]) -> UUID:
    organisations_of_platform_id = Organisation.objects.filter(platform_id=options["organisation"])
    organisation_id = organisations_of_platform_id.values_list("id", flat=True).first()
    if organisation_id is None:
        raise CommandError("no organisation has this id")
    return organisation_id
