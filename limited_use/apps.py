from django.apps import AppConfig


class LimitedUseConfig(AppConfig):
    name = "limited_use"
    verbose_name = "Limited use"

    def ready(self) -> None:
        # Registering system checks is what importing them is for.
        from . import checks  # noqa: F401
