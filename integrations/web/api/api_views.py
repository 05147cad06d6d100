"""Base classes of API views: of a person's data, and of a service client's own matters."""

from __future__ import annotations

from functools import cache
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, ActorKind, get_actor, get_platform_id
from accounts.authentication import ClientTokenAuthentication
from accounts.models import ServiceClient, ServiceToken
from accounts.role_permissions import ClientOnly, build_permission_class
from accounts.roles import RolePermission
from integrations.access import permits
from integrations.access.person_references import ME, PersonResolver
from integrations.access.request_context import ObjectNotFound, RequestContext

from .api_rate_limits import RateLimitedView
from .negotiation import FixedContentNegotiation
from .request_fields import RequestBodySerializer


class ApiView(RateLimitedView):
    """A view that validates its input and forbids storing its responses."""

    content_negotiation_class = FixedContentNegotiation
    # Serializer of the query parameters; None: no parameters.
    query: type[serializers.Serializer[Any]] | None = None
    #: The detail of the 401 without credentials (`exception_handler`).
    unauthenticated_text = (
        "The request has no access token and no session. Send `Authorization: Bearer TOKEN`, or"
        " sign in."
    )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.at = timezone.now()

    @property
    def request_id(self) -> str | None:
        return getattr(self.request._request, "request_id", None)  # noqa: SLF001

    def get_query(self, request: Request) -> dict[str, Any]:
        """
        Refuse repeated parameters: two readers could use different values (CASA 5.1.1).

        :raises ValidationError:
        """
        return self.check_query(request, self.query)

    def check_query(
        self, request: Request, query: type[serializers.Serializer[Any]] | None
    ) -> dict[str, Any]:
        """For methods with a query serializer of their own."""
        parameters = request.query_params
        # Read the declared fields: an instance copies each of them.
        known = query._declared_fields if query else {}  # noqa: SLF001
        unknown = {name: ["This parameter is unknown."] for name in parameters if name not in known}
        repeated = {
            name: ["This parameter is repeated."]
            for name in parameters
            if len(parameters.getlist(name)) > 1
        }
        values, wrong = _read_values(query, parameters)
        if errors := {**wrong, **repeated, **unknown}:
            raise ValidationError(errors)
        return values

    @property
    def body_context(self) -> dict[str, Any]:
        """Context of the serializer that reads a body."""
        return {}

    def get_body(
        self, request: Request, serializer_class: type[RequestBodySerializer]
    ) -> dict[str, Any]:
        """:raises ValidationError, ParseError:"""
        serializer = serializer_class(data=request.data, context=self.body_context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def options(self, *_: Any, **__: Any) -> HttpResponse:  # type: ignore[override]  # no body
        """Return the allowed methods only: the OpenAPI document describes them."""
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        # Sinks return rendered bytes, so most responses are plain ones.
        if isinstance(response, Response):
            response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response  # type: ignore[no-any-return]


class UserDataView(ApiView):
    """
    A view below `/v1/users/{user}/`: of one person's own data, for them or a feature of theirs.

    `me` is the signed-in person, or for a client the person it acts for. They may also be named by
    their id of this service or of the platform. Any other id is unknown, whether it exists or not.
    """

    permission_classes = [build_permission_class(RolePermission.USE_OWN, clients=True)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        actor = get_actor(request)
        if actor.kind == ActorKind.CLIENT:
            self.check_client(actor)
        self.actor = self._check_user(actor, kwargs["user"])

    def check_client(self, actor: Actor) -> None:
        """
        Refuse a client whose feature may not use this view at all.

        :raises limited_use.guard.guard.AccessRefused:
        """
        permits.refuse_undeclared_purpose(actor=actor, at=self.at)

    def _check_user(self, actor: Actor, user: str) -> Actor:
        if actor.user_id is None or actor.organisation_id is None:
            raise ObjectNotFound
        if user not in {ME, str(actor.user_id), get_platform_id(self.request)}:
            raise ObjectNotFound
        return actor

    @property
    def organisation_id(self) -> UUID:
        if self.actor.organisation_id is None:
            raise ObjectNotFound
        return self.actor.organisation_id

    @property
    def user_id(self) -> UUID:
        if self.actor.user_id is None:
            raise ObjectNotFound
        return self.actor.user_id

    @property
    def request_context(self) -> RequestContext:
        return RequestContext(actor=self.actor, user_id=self.user_id, at=self.at)

    @property
    def body_context(self) -> dict[str, Any]:
        people = PersonResolver(self.request_context, platform_id=get_platform_id(self.request))
        return {"people": people}


class ClientView(ApiView):
    """A view of a service client's own matters, for its own token: no person's data."""

    authentication_classes = [ClientTokenAuthentication]
    permission_classes = [ClientOnly]
    unauthenticated_text = (
        "Send the client's own token (scope `client`) as `Authorization: Bearer TOKEN`."
    )

    @property
    def client(self) -> ServiceClient:
        token = self.request.auth
        if not isinstance(token, ServiceToken):
            raise NotAuthenticated
        return token.client


@cache
def _get_checker(query: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """
    Return one serializer for the parameters of all requests: copying its fields takes longer than
    the validation. Unlike `is_valid`, `run_validation` stores nothing of a request on it.
    """
    return query()


def _read_values(
    query: type[serializers.Serializer[Any]] | None, parameters: QueryDict
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values, or the errors of all wrong ones."""
    if query is None:
        return {}, {}
    try:
        return dict(_get_checker(query).run_validation(parameters.dict())), {}
    except ValidationError as error:
        # A serializer's error has a message for each field.
        errors = cast("dict[str, Any]", error.detail)
    return {}, errors


def json_response(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="application/json")
