from django.apps import AppConfig
from django.conf import settings


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Connected accounts"

    def ready(self) -> None:
        from .notifications import notice_kinds
        from .operations import client_library_check, notice_registry  # noqa: F401 - the check registers itself
        from .providers import provider_http

        # The transport is pure and knows no settings.
        provider_http.use_proxy(settings.EGRESS_PROXY)
        notice_kinds.register_notice_kinds(notice_registry.NOTICE_KINDS)
