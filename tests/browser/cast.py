"""
Register people for browser tests: ``python -m tests.browser.cast FIRST COUNT`` prints them as JSON.

It runs in the environment of the service that they are to sign in to.
"""

from __future__ import annotations

import json
import sys

import django


def main() -> None:
    django.setup()
    from django.contrib.auth.hashers import make_password
    from django.utils import timezone

    from accounts import demo_people, memberships, organisations, user_provisioning
    from accounts.models import Organisation
    from accounts.roles import Role
    from accounts.user_provisioning import NewPerson

    at = timezone.now()
    first, count = map(int, sys.argv[1:])
    home = (
        Organisation.objects.get(platform_id="browser")
        if first
        else organisations.found_organisation(platform_id="browser", name="Kestrel & Sons", at=at)
    )
    # One slow hash serves them all.
    password = demo_people.make_password()
    password_hash = make_password(password)
    people = []
    for number in range(first, first + count):
        # The first has a staff role, and no second factor yet.
        role = Role.MEMBER if number else Role.SUPPORT
        person = NewPerson(f"browser-{number}", f"p{number}@kestrel.example", f"Pat {number}", role)
        user = user_provisioning.register_user(person, password=None, at=at)
        user.password = password_hash
        user.save(update_fields=["password"])
        memberships.add_member(user_id=user.id, organisation_id=home.id, at=at)
        people.append({"email": user.email, "name": user.name, "password": password})
    sys.stdout.write(json.dumps(people))


if __name__ == "__main__":
    main()
