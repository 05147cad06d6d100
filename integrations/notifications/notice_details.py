"""The words of a notice: keys of closed lists and times, never a provider's text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from accounts import display_times
from integrations.models import OwnerNotice, SupportReason
from integrations.providers import PROVIDERS
from integrations.providers.product_names import PRODUCTS, name_products
from limited_use.notifications.message_kinds import MessageValue

from .support_reasons import REASON, ReasonWord

# Closed lists, as platform mail requires. mypy does not accept computed members.
ProviderLabel = Enum("ProviderLabel", {key: config.label for key, config in PROVIDERS.items()})  # type: ignore[misc]
ProductName = Enum(  # type: ignore[misc]
    "ProductName",
    {f"{key}_{product}": name for key in PROVIDERS for product, name in name_products(key).items()},
)


class InvalidNoticeDetails(Exception):
    """A word is of no closed list: a bug of the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDetails:
    """
    :param provider: a key of `PROVIDERS`, or empty
    :param product: one of `PRODUCTS`, or empty
    :param reason: of a support agent: a `SupportReason`, or empty
    :raises InvalidNoticeDetails:
    """

    provider: str = ""
    product: str = ""
    until: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.provider and self.provider not in PROVIDERS:
            raise InvalidNoticeDetails("unknown provider")
        if self.product and (self.product not in PRODUCTS or not self.provider):
            raise InvalidNoticeDetails("unknown product")
        if self.reason and self.reason not in SupportReason:
            raise InvalidNoticeDetails("unknown reason")


def get_details(notice: OwnerNotice) -> NoticeDetails:
    return NoticeDetails(
        provider=notice.provider,
        product=notice.product,
        until=notice.until,
        reason=notice.reason,
    )


def make_mail_values(details: NoticeDetails, names: Collection[str]) -> dict[str, MessageValue]:
    """
    Return the values that a message's kind takes.

    :param names: `PlatformMessageKind.value_names`
    """
    values: Mapping[str, MessageValue] = {
        "provider": ProviderLabel[details.provider] if details.provider else None,
        "product": _get_product_name(details),
        "until": details.until,
        "reason": ReasonWord[details.reason] if details.reason else None,
    }
    return {name: values[name] for name in names}


def make_page_words(
    details: NoticeDetails, *, format_until: Callable[[datetime], str] = display_times.format_day
) -> dict[str, str]:
    """Return the words that `NoticeMessage.text` may name, for the reader."""
    product_name = _get_product_name(details)
    return {
        "provider": PROVIDERS[details.provider].label if details.provider else "",
        "product": "" if product_name is None else product_name.value,
        "until": format_until(details.until) if details.until else "",
        "reason": str(REASON[details.reason]) if details.reason else "",
    }


def _get_product_name(details: NoticeDetails) -> ProductName | None:
    return ProductName[f"{details.provider}_{details.product}"] if details.product else None
