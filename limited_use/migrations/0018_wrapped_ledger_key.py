from django.db import migrations, models

import accounts.ids
from limited_use.vault.naming_rows import FUNCTIONS

_TAKE_ALONG = """
INSERT INTO limited_use_wrappedledgerkey (id, holder, commitment, wrapped, kek_epoch)
SELECT id, holder, commitment, wrapped, kek_epoch FROM limited_use_ledgerkey
 WHERE wrapped IS NOT NULL
"""


class Migration(migrations.Migration):
    """
    The keys that the ledger names by get a table that is the vault's own, and its functions.

    Who owns and executes those is `database_walls`'.
    """

    dependencies = [
        ('limited_use', '0017_receipt_link'),
    ]

    operations = [
        migrations.CreateModel(
            name='WrappedLedgerKey',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('holder', models.UUIDField(unique=True)),
                ('commitment', models.BinaryField(max_length=32)),
                ('wrapped', models.BinaryField(max_length=60)),
                ('kek_epoch', models.PositiveIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['kek_epoch', 'id'], name='wrapped_ledger_key_by_epoch')],
            },
        ),
        migrations.RunSQL(_TAKE_ALONG, migrations.RunSQL.noop),
        *(migrations.RunSQL(one.create(), one.drop()) for one in FUNCTIONS),
    ]
