from django.db import migrations, models

import accounts.ids


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0004_index_what_the_purge_asks_for'),
    ]

    operations = [
        migrations.CreateModel(
            name='Discard',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(max_length=16)),
                ('account_blind', models.BinaryField(max_length=32)),
                ('revoking_until', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['provider', 'account_blind'], name='discard_by_account')],
            },
        ),
        migrations.AlterField(
            model_name='purgejob',
            name='trigger',
            field=models.CharField(choices=[('owner', 'Owner'), ('support', 'Support'), ('grant_ended', 'Grant Ended'), ('permission_withdrawn', 'Permission Withdrawn'), ('left_organisation', 'Left Organisation'), ('organisation_closed', 'Organisation Closed'), ('deactivated', 'Deactivated'), ('inactive', 'Inactive')], max_length=24),
        ),
    ]
