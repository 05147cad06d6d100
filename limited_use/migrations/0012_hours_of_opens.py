from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('limited_use', '0011_evidence_and_gauges'),
    ]

    operations = [
        migrations.CreateModel(
            name='HourOfOpens',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('actor', models.CharField(max_length=80)),
                ('purpose', models.CharField(max_length=32)),
                ('hour', models.DateTimeField()),
                ('opens', models.BigIntegerField()),
            ],
            options={
                'indexes': [
                    models.Index(fields=['hour'], name='opens_by_hour'),
                    models.Index(fields=['purpose', 'hour'], name='opens_of_a_purpose'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('purpose', 'actor', 'hour'), name='opens_once_an_hour'),
                    models.CheckConstraint(condition=models.Q(('opens__gt', 0)), name='opens_counted'),
                ],
            },
        ),
    ]
