from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    name = "config.database"
    label = "database"

    def ready(self) -> None:
        # Registers the checks.
        from config import production_checks as _  # noqa: F401

        from . import checks  # noqa: F401
