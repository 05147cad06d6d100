from django.apps import AppConfig, apps
from django.db.models.signals import pre_migrate


class DatabaseConfig(AppConfig):
    name = "config.database"
    label = "database"

    def ready(self) -> None:
        from . import checks, schema_guard  # noqa: F401 - checks registers them

        # Sent once per app that has models: once is enough.
        pre_migrate.connect(
            schema_guard.check_before_migrating, sender=apps.get_app_config("integrations")
        )
