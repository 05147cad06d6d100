from django.db import migrations

from integrations.crossings import CROSSINGS


# Those that there were: what came later is about later tables.
THEN = {"account_holders", "account_revoking", "watch_owners"}


class Migration(migrations.Migration):
    """Functions for what has to be asked across people; the walls are built over them later."""

    dependencies = [
        ("integrations", "0015_calendars_are_compared"),
    ]

    operations = [
        migrations.RunSQL(one.create(), one.drop()) for one in CROSSINGS if one.name in THEN
    ]
