"""Make login roles, grants and policies what the code says; once per release, as the owner."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.database import provisioning, role_logins
from config.database.login_roles import RoleRightMissing
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
            self._check_differences()
            return
        try:
            done = provisioning.build_walls(_read_passwords())
        except RoleRightMissing as problem:
            raise CommandError(str(problem)) from None
        if options["verbosity"]:
            for line in (*(done or ["nothing to do"]), *provisioning.describe_open_rights()):
                self.stdout.write(line)

    def _check_differences(self) -> None:
        differences = provisioning.find_differences()
        for line in differences:
            self.stdout.write(line)
        if differences:
            raise CommandError(f"{len(differences)} differences: run manage.py database_walls")
        for line in ("the walls stand as the code says", *provisioning.describe_open_rights()):
            self.stdout.write(line)


def _read_passwords() -> dict[ProcessClass, str]:
    """
    Return the password of each class from its setting.

    :raises config.environment.InvalidSettings: if a setting is wrong, or in production is missing
    """
    env, prefix = Environment(os.environ), settings.DATABASE_ROLE_PREFIX
    login_classes = [
        process_class
        for process_class in ProcessClass
        if settings.PRODUCTION or env.read_text(role_logins.get_login_variable_name(process_class))
    ]
    urls = {
        process_class: role_logins.read_class_login(env, process_class, prefix=prefix)
        for process_class in login_classes
    }
    env.raise_problems()
    return {
        process_class: role_logins.get_database_login_password(url)
        for process_class, url in urls.items()
    }
