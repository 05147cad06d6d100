from django.apps import AppConfig


class LimitedUseConfig(AppConfig):
    name = "limited_use"
    verbose_name = "Limited use"

    def ready(self) -> None:
        # The import registers the system checks.
        from . import checks  # noqa: F401
