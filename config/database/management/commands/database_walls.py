"""Make login roles, grants and policies what the code says; once per release, as the owner."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.database import provisioning, role_logins
from config.database.login_roles import NotAllowed
from config.environment import Environment
from config.process_classes import ProcessClass


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail if something differs"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        try:
            done = provisioning.build(_read_passwords())
        except NotAllowed as problem:
            raise CommandError(str(problem)) from None
        if options["verbosity"]:
            for line in (*(done or ["nothing to do"]), *provisioning.describe_open_rights()):
                self.stdout.write(line)

    def _check(self) -> None:
        found = provisioning.differences()
        for line in found:
            self.stdout.write(line)
        if found:
            raise CommandError(f"{len(found)} differences: run manage.py database_walls")
        for line in ("the walls stand as the code says", *provisioning.describe_open_rights()):
            self.stdout.write(line)


def _read_passwords() -> dict[ProcessClass, str]:
    """
    Return the password of each class from its setting.

    :raises config.environment.Refused: if a setting is wrong; in production also if one is missing
    """
    env, prefix = Environment(os.environ), settings.DATABASE_ROLE_PREFIX
    given = [
        one for one in ProcessClass if settings.PRODUCTION or env.text(role_logins.variable(one))
    ]
    urls = {one: role_logins.read_class_login(env, one, prefix=prefix) for one in given}
    env.finish()
    return {one: role_logins.password_of(url) for one, url in urls.items()}
