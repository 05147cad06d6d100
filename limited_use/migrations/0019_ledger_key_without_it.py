from django.db import migrations, models


class Migration(migrations.Migration):
    """The row of a ledger key says what becomes of it, and holds it no more."""

    dependencies = [
        ('limited_use', '0018_wrapped_ledger_key'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='ledgerkey', name='ledger_key_gone_iff_destroyed'),
        migrations.RemoveIndex(model_name='ledgerkey', name='ledger_key_by_epoch'),
        migrations.RemoveField(model_name='ledgerkey', name='wrapped'),
        migrations.RemoveField(model_name='ledgerkey', name='kek_epoch'),
        migrations.AddConstraint(
            model_name='ledgerkey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('destroyed_at', None), ('outcome', '')), models.Q(('destroyed_at__isnull', False), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='ledger_key_outcome_iff_destroyed'),
        ),
    ]
