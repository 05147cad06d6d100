"""A line of keys for what exists nowhere else: its epochs last as long as backups are kept."""

from django.db import migrations, models

from limited_use.vault import functions
from limited_use.vault.lines import KeyLine

_LINES = ["content", "account", "credential", "own"]


class Migration(migrations.Migration):

    dependencies = [
        ('limited_use', '0015_calendars'),
    ]

    operations = [
        *(
            migrations.RunSQL(one.create(), one.drop())
            for one in functions.FUNCTIONS
            if one.name == functions.read(KeyLine.OWN)
        ),
        migrations.RemoveConstraint(model_name='datakey', name='data_key_line_known'),
        migrations.RemoveConstraint(model_name='keyepoch', name='key_epoch_line_known'),
        migrations.AddConstraint(
            model_name='datakey',
            constraint=models.CheckConstraint(condition=models.Q(('line__in', _LINES)), name='data_key_line_known'),
        ),
        migrations.AddConstraint(
            model_name='keyepoch',
            constraint=models.CheckConstraint(condition=models.Q(('line__in', _LINES)), name='key_epoch_line_known'),
        ),
    ]
