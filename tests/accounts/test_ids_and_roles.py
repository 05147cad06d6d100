from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.ids import uuid7
from accounts.models import User
from accounts.roles import (
    PERMISSIONS,
    Role,
    RolePermission,
    get_role_permissions,
    has_role_permission,
)


class TestUuid7:
    def test_is_a_version_7_of_the_rfc_variant(self):
        made = uuid7()

        assert (made.version, made.variant) == (7, "specified in RFC 4122")

    def test_sorts_by_time(self):
        made = [uuid7() for _ in range(200)]

        assert [one.int >> 64 for one in made] == sorted(one.int >> 64 for one in made)

    def test_does_not_repeat(self):
        assert len({uuid7() for _ in range(10_000)}) == 10_000


# The access rules as a person agreed to them, not as the code has them. A new role needs a
# column, and a new permission needs a line.
MATRIX = """
permission            member  support  reviewer  operator
own.use               yes     yes      yes       yes
connections.view      -       yes      -         -
connections.revoke    -       yes      -         -
connections.approve_bulk  -   yes      -         yes
items.read_opened     -       yes      -         -
evidence.read         -       -        yes       -
clients.manage        -       -        -         yes
people.manage         -       -        -         yes
operations.view       -       -        -         yes
alarms.settle         -       -        -         yes
"""
# Roles that may do nothing in a session without a second factor.
NEED_SECOND_FACTOR = {"support", "reviewer", "operator"}


def read_matrix():
    """Return whether the matrix says yes, by permission and role."""
    (_, *roles), *lines = [line.split() for line in MATRIX.strip().splitlines()]
    meaning = {"yes": True, "-": False}
    return {
        (permission, role): meaning[cell]
        for permission, *cells in lines
        for role, cell in zip(roles, cells, strict=True)
    }


ALLOWED = read_matrix()


class TestMay:
    @pytest.mark.control("3.3.1")
    @pytest.mark.control("3.1.1")
    @pytest.mark.parametrize(
        ("permission", "role", "mfa"),
        list(itertools.product(RolePermission, Role, (True, False))),
    )
    def test_follows_the_table_and_staff_need_a_second_factor(self, permission, role, mfa):
        expected = ALLOWED[permission, role] and (mfa or role not in NEED_SECOND_FACTOR)

        assert has_role_permission(User(role=role), permission, mfa=mfa) is expected

    def test_is_expected_for_every_role_and_permission_and_no_other(self):
        assert set(ALLOWED) == set(itertools.product(RolePermission, Role))

    @pytest.mark.control("3.3.1")
    @pytest.mark.parametrize("role", sorted(NEED_SECOND_FACTOR))
    def test_gives_staff_nothing_at_all_without_a_second_factor(self, role):
        assert get_role_permissions(role=role, mfa=False) == frozenset()

    @pytest.mark.parametrize("permission", RolePermission)
    def test_gives_nothing_to_the_deactivated(self, permission):
        user = User(role=Role.OPERATOR, is_active=False)

        assert not has_role_permission(user, permission, mfa=True)

    @pytest.mark.control("3.1.3")
    @given(role=st.text(max_size=20), mfa=st.booleans())
    def test_gives_nothing_to_an_unknown_role(self, role, mfa):
        if role not in Role.values:
            assert get_role_permissions(role=role, mfa=mfa) == frozenset()

    def test_names_every_role_in_the_table(self):
        assert set(PERMISSIONS) == set(Role)

    def test_gives_members_no_permission_over_what_is_not_theirs(self):
        assert PERMISSIONS[Role.MEMBER] == {RolePermission.USE_OWN}
