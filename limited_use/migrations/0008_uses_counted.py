import django.contrib.postgres.fields
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("limited_use", "0007_line_of_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyUse",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("rule", models.CharField(max_length=64)),
                ("is_permitted", models.BooleanField()),
                ("feature", models.CharField(blank=True, default="", max_length=64)),
                ("data_class", models.CharField(max_length=32)),
                ("purpose", models.CharField(max_length=32)),
                ("recipient", models.CharField(max_length=32)),
                ("count", models.BigIntegerField()),
                (
                    "latest",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), size=None
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "rule", "day", "is_permitted", "feature", "data_class", "purpose",
                            "recipient",
                        ),
                        name="policy_use_once_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0)), name="policy_use_counted"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("entry_id", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("rule", models.CharField(max_length=64)),
                ("feature", models.CharField(blank=True, default="", max_length=64)),
                ("data_class", models.CharField(max_length=32)),
                ("purpose", models.CharField(max_length=32)),
                ("recipient", models.CharField(max_length=32)),
            ],
            options={
                "indexes": [
                    models.Index(
                        django.db.models.expressions.OrderBy(
                            django.db.models.expressions.F("at"), descending=True
                        ),
                        name="refusal_newest",
                    ),
                    models.Index(fields=["feature", "at"], name="refusal_by_feature"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("size", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "tallies",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="tally_is_one"),
                ],
            },
        ),
    ]
