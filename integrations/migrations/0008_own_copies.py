import django.db.models.deletion
from django.db import migrations, models

import accounts.ids


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0007_consent_withdrawn'),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('user_id', models.UUIDField()),
                ('organisation_id', models.UUIDField()),
                ('asked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, choices=[('', 'Open'), ('complete', 'Complete'), ('interrupted', 'Interrupted')], default='', max_length=16)),
                ('message_count', models.PositiveIntegerField(default=0)),
                ('integration', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='integrations.integration')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('outcome__in', ['', 'complete', 'interrupted'])), name='export_outcome_known'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('outcome', '')), models.Q(models.Q(('outcome', ''), _negated=True), ('ended_at__gte', models.F('asked_at'))), _connector='OR'), name='export_ended_at_iff_it_has_an_outcome')],
            },
        ),
    ]
