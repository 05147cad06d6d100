from django.apps import AppConfig

from config.database.row_owners import OWNERS
from config.database.table_grants import GRANTS


class BenchConfig(AppConfig):
    """The baselines' tables; that of plain rows stands behind the same wall as what it copies."""

    name = "tests.bench"
    label = "bench"

    def ready(self) -> None:
        for walled in (GRANTS, OWNERS):
            walled["bench.PlainMessage"] = walled["integrations.Message"]  # type: ignore[index]
