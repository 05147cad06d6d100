from django.db import migrations

from limited_use.vault.functions import FUNCTIONS


class Migration(migrations.Migration):
    """
    The functions that keys are reached by. Who owns and executes them is `database_walls`'.

    Their text is the code's of the day; where it has changed, `database_walls` replaces it.
    """

    dependencies = [
        ("limited_use", "0012_hours_of_opens"),
    ]

    operations = [
        migrations.RunSQL(one.create(), one.drop()) for one in FUNCTIONS
    ]
