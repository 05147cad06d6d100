from django.apps import AppConfig
from django.conf import settings


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Connected accounts"

    def ready(self) -> None:
        from .operations import client_library_check  # noqa: F401 - registers itself
        from .providers import provider_http

        # The transport is pure and knows no settings.
        provider_http.use_proxy(settings.EGRESS_PROXY)
