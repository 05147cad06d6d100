from django.db import migrations

from integrations.crossings import CROSSINGS


class Migration(migrations.Migration):
    """Functions for what has to be asked across people; the walls are built over them later."""

    dependencies = [
        ("integrations", "0015_calendars_are_compared"),
    ]

    operations = [migrations.RunSQL(one.create(), one.drop()) for one in CROSSINGS]
