"""A third line of keys: a connection's own apart from the refresh token of its grant."""

from django.db import migrations, models

_LINES = ["content", "account", "credential"]


class Migration(migrations.Migration):

    dependencies = [
        ('limited_use', '0006_consent_parts'),
    ]

    operations = [
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
