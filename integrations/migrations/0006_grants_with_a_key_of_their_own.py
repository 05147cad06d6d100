"""
The refresh token gets a holder of its own: the grant.

What is stored was sealed for the connection. Its grant is called as the connection until a worker,
which may open refresh tokens, has sealed it anew (`integrations.splitting`): a migration has no
business with the keys.
"""

import accounts.ids
import limited_use.vault.fields
from django.db import migrations, models
from django.db.models import F


def call_grants_as_their_connection(apps, schema_editor):
    apps.get_model('integrations', 'Connection').objects.update(grant_id=F('id'))


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0005_discard'),
        ('limited_use', '0007_line_of_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='grant_id',
            field=models.UUIDField(null=True),
        ),
        migrations.RunPython(call_grants_as_their_connection, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name='connection',
            name='grant_id',
            field=models.UUIDField(default=accounts.ids.uuid7, unique=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='refresh_beyond',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='connection',
            name='refresh_failed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='connection',
            name='refresh_token',
            field=limited_use.vault.fields.SealedField(data_class='credential', holder='grant_id', null=True),
        ),
        migrations.AddField(
            model_name='purgejob',
            name='account_key_id',
            field=models.CharField(blank=True, default='', max_length=16),
        ),
        migrations.AddField(
            model_name='purgejob',
            name='account_kek_epoch',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
