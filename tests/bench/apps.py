from dataclasses import replace

from django.apps import AppConfig

from config.database.row_owners import OWNERS
from config.database.table_grants import GRANTS, TableGrants

# Read by the baselines of `features`, with the login of a web process.
_READ_BY_WEB = {
    "bench.PlainEvent": "integrations.Event",
    "bench.PlainText": "integrations.MessageBody",
    "bench.PlainThread": "integrations.Thread",
}


class BenchConfig(AppConfig):
    """The baselines' tables; those of plain rows stand behind the same wall as what they copy."""

    name = "tests.bench"
    label = "bench"

    def ready(self) -> None:
        for walled in (GRANTS, OWNERS):
            walled["bench.PlainMessage"] = walled["integrations.Message"]  # type: ignore[index]
        for plain, sealed in _READ_BY_WEB.items():
            GRANTS[plain] = TableGrants("rows of a baseline", web="r")  # type: ignore[index]
            OWNERS[plain] = replace(OWNERS[sealed], opened=None)  # type: ignore[index,type-var]
