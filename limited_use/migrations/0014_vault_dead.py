from django.db import migrations

from limited_use.vault.functions import FUNCTIONS


class Migration(migrations.Migration):
    """One more function, for a database that has the others already."""

    dependencies = [
        ("limited_use", "0013_vault_functions"),
    ]

    operations = [
        migrations.RunSQL(one.create(), migrations.RunSQL.noop)
        for one in FUNCTIONS
        if one.name == "vault_dead"
    ]
