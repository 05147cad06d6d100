"""
What the purpose of a service client's token covers: products, and requests.

A client sees the states of those products only that its purpose is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from accounts.actors import Actor, ActorKind
from integrations.models import Integration
from limited_use.access_request import AccessRequest
from limited_use.guard import guard
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

from . import facts
from .request_context import get_owner_ids

#: Data classes without a product are never a feature's.
_PRODUCTS: Final[Mapping[DataClass, str]] = {
    DataClass.MAIL_METADATA: "mail",
    DataClass.MAIL_CONTENT: "mail",
    DataClass.CALENDAR_EVENT: "calendar",
    DataClass.CALENDAR_FREEBUSY: "calendar",
    DataClass.FILE_CONTENT: "drive",
}


def list_covered_products(actor: Actor) -> frozenset[str]:
    """
    Return the products that a client's purpose is about: those of the data classes that its
    feature declares, and that the policy allows to a feature for this purpose.
    """
    return frozenset(
        product
        for data_class, product in _list_declared_products(actor).items()
        if policy_evaluation.is_use_ever_allowed(
            Use(data_class, cast("Purpose", actor.purpose), Recipient.PLATFORM_FEATURE)
        )
    )


def list_read_products(actor: Actor) -> frozenset[str]:
    """Return the covered products whose data the client reads, and not only adds to."""
    return frozenset(
        product
        for data_class, product in _list_declared_products(actor).items()
        if actor.purpose in policy_evaluation.list_reading_purposes(data_class)
    )


def list_declared_capabilities(actor: Actor) -> frozenset[str]:
    feature = FEATURES.get(actor.feature or "")
    return frozenset() if feature is None else feature.capabilities


def refuse_other_purpose(
    *, actor: Actor, data_class: DataClass, purpose: Purpose, at: datetime
) -> None:
    """
    Refuse a client with a token for another purpose than the request's.

    An empty list or an unknown id opens nothing, so no later refusal would keep the client from
    learning what exists.

    :param data_class: of the requested data
    :raises limited_use.guard.guard.AccessRefused:
    """
    if actor.kind != ActorKind.CLIENT or actor.purpose == purpose:
        return
    use = Use(data_class, cast("Purpose", actor.purpose), Recipient.PLATFORM_FEATURE)
    is_reading = purpose in policy_evaluation.list_reading_purposes(data_class)
    if not is_reading or policy_evaluation.is_use_ever_allowed(use):
        # One of request and token is for adding such data, and not for reading it.
        use = use._replace(purpose=purpose)
    user_id, organisation_id = get_owner_ids(actor)
    integrations = Integration.objects.live().owned_by(user_id, organisation_id)
    ids = list(integrations.filter(product=_PRODUCTS[data_class]).values_list("id", flat=True))
    # Without integrations, the refusal is about the client's delegation.
    about = ids or [actor.delegation_id or actor.id]
    facts_by_id = facts.for_integrations(about, actor=actor, at=at)
    guard.permits(
        [
            AccessRequest(
                use=use,
                holder=holder,
                epoch=facts_by_id[holder].epoch,
                actor=actor,
                on_behalf_of=actor.user_id,
                facts=facts_by_id[holder].facts,
                fences=facts_by_id[holder].fences,
                feature=actor.feature,
                count=0,
                names=facts_by_id[holder].names,
            )
            for holder in about
        ],
        at=at,
    )
    # The guard compares the same purposes. If it did not, the error would stop the request.
    raise RuntimeError("another purpose was permitted")


def _list_declared_products(actor: Actor) -> Mapping[DataClass, str]:
    feature = FEATURES.get(actor.feature or "")
    if feature is None or not feature.declares_use(actor.purpose or ""):
        return {}
    return {
        data_class: product
        for data_class, product in _PRODUCTS.items()
        if data_class in feature.data_classes
    }
