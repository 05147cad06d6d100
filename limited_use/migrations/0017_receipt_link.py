from django.db import migrations

from limited_use.receipt_links import OWNER_OF_LINK


class Migration(migrations.Migration):
    """Whose the receipt of a link is, for whoever holds the link and is nobody else."""

    dependencies = [
        ("limited_use", "0016_line_of_ones_own"),
    ]

    operations = [migrations.RunSQL(OWNER_OF_LINK.create(), OWNER_OF_LINK.drop())]
