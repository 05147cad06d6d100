import django.contrib.postgres.fields
from django.db import migrations, models

import accounts.ids


class Migration(migrations.Migration):
    dependencies = [
        ("limited_use", "0010_ledger_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="EvidenceBundle",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=accounts.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("made_at", models.DateTimeField(db_index=True)),
                ("document", models.BinaryField()),
                (
                    "not_met",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Gauge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64)),
                ("labels", models.CharField(blank=True, default="", max_length=120)),
                ("value", models.FloatField()),
                ("measured_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name", "labels"), name="gauge_once"),
                ],
            },
        ),
    ]
