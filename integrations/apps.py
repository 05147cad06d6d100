from django.apps import AppConfig
from django.conf import settings


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Connected accounts"

    def ready(self) -> None:
        # The transport is pure and knows no settings.
        from .providers import transport

        transport.use_proxy(settings.EGRESS_PROXY)
