"""
Role checks: DRF permission classes and a decorator for pages.

A view without a declared permission refuses every request, and a test of all routes fails.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ServiceToken
from accounts.reauthentication import has_shown_second_factor
from accounts.roles import RolePermission, has_role_permission

_PageView = Callable[Concatenate[HttpRequest, ...], HttpResponseBase]


class DenyAll(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:  # DRF's shape  # noqa: ARG002  # DRF's shape
        return False


class DeclaredPermission(BasePermission):
    """
    A person needs `permission`; a service client needs a view that takes clients.

    A client has no role: the guard decides from the purpose in its token.
    """

    permission: RolePermission
    clients: bool

    def has_permission(self, request: Request, view: Any) -> bool:  # DRF's shape  # noqa: ARG002  # DRF's shape
        if isinstance(request.auth, ServiceToken):
            return self.clients
        return has_role_permission(
            request.user, self.permission, mfa=has_shown_second_factor(request)
        )


class ClientOnly(BasePermission):
    """A service client with its own token, which stands for no person."""

    def has_permission(self, request: Request, view: Any) -> bool:  # DRF's shape  # noqa: ARG002  # DRF's shape
        return isinstance(request.auth, ServiceToken) and request.auth.delegation_id is None


def build_permission_class(
    permission: RolePermission, *, clients: bool = False
) -> type[DeclaredPermission]:
    """Use: `permission_classes = [build_permission_class(RolePermission.USE_OWN)]`."""
    return type("Declared", (DeclaredPermission,), {"permission": permission, "clients": clients})


def require_permission(permission: RolePermission) -> Callable[[_PageView], _PageView]:
    def decorate_view(view: _PageView) -> _PageView:
        @wraps(view)
        def check_then_run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not has_role_permission(
                request.user, permission, mfa=has_shown_second_factor(request)
            ):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        check_then_run.permission = permission  # type: ignore[attr-defined]  # read by the walk of all routes
        return check_then_run

    return decorate_view
