from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from integrations.providers import load_libraries


@register("integrations", deploy=True)
def check_provider_libraries(**_: Any) -> list[CheckMessage]:
    """Only on deployment: the imports take a quarter of a second."""
    try:
        load_libraries()
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything
        message = f"a client library of a provider cannot be imported: {error}"
        return [Error(message, id="integrations.E001")]
    return []
