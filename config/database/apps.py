from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    name = "config.database"
    label = "database"

    def ready(self) -> None:
        from . import checks  # noqa: F401 - registers them
