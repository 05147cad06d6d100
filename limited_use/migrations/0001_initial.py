"""
All tables of this app, and the functions in ``sql``.

Until the first release every change of the schema is made here (see config/README.md, "One
schema").
"""

from pathlib import Path

import accounts.ids
import django.contrib.postgres.fields
from django.db import migrations, models

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='LedgerKey',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('holder', models.UUIDField(unique=True)),
                ('commitment', models.BinaryField(max_length=32)),
                ('created_at', models.DateTimeField()),
                ('set_aside_at', models.DateTimeField(null=True)),
                ('offered_until', models.DateTimeField(null=True)),
                ('destroyed_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, choices=[('', 'None'), ('taken', 'Taken'), ('expired', 'Expired'), ('discarded', 'Discarded'), ('restored', 'Restored'), ('lost', 'Lost')], default='', max_length=16)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('destroyed_at', None), ('set_aside_at__isnull', False)), fields=['set_aside_at'], name='ledger_key_set_aside')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('destroyed_at', None), ('outcome', '')), models.Q(('destroyed_at__isnull', False), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='ledger_key_outcome_iff_destroyed'), models.CheckConstraint(condition=models.Q(('offered_until', None), ('set_aside_at__isnull', False), _connector='OR'), name='ledger_key_set_aside_before_offered')],
            },
        ),
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
                'indexes': [models.Index(fields=['hour'], name='opens_by_hour'), models.Index(fields=['purpose', 'hour'], name='opens_of_a_purpose')],
                'constraints': [models.UniqueConstraint(fields=('purpose', 'actor', 'hour'), name='opens_once_an_hour'), models.CheckConstraint(condition=models.Q(('opens__gt', 0)), name='opens_counted')],
            },
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('epoch', models.PositiveIntegerField(default=1)),
                ('given_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('owner_id', models.UUIDField()),
                ('organisation_id', models.UUIDField()),
                ('viewer_id', models.UUIDField()),
                ('owner_membership', models.UUIDField()),
                ('viewer_membership', models.UUIDField()),
                ('item', models.UUIDField()),
                ('level', models.CharField(choices=[('freebusy', 'Freebusy'), ('details', 'Details')], max_length=16)),
                ('typed_address', models.TextField(blank=True, default='')),
            ],
            options={
                'indexes': [models.Index(fields=['viewer_id', 'organisation_id'], name='share_by_viewer'), models.Index(fields=['owner_id', 'organisation_id'], name='share_by_owner')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('item', 'viewer_id'), name='share_one_live_per_item_and_viewer'), models.CheckConstraint(condition=models.Q(('level__in', ['freebusy', 'details'])), name='share_level_known'), models.CheckConstraint(condition=models.Q(('owner_id', models.F('viewer_id')), _negated=True), name='share_is_with_somebody_else'), models.CheckConstraint(condition=models.Q(('expires_at', None), ('expires_at__gt', models.F('given_at')), _connector='OR'), name='share_expires_after_given'), models.CheckConstraint(condition=models.Q(('withdrawn_at', None), ('withdrawn_at__gte', models.F('given_at')), _connector='OR'), name='share_withdrawn_after_given')],
            },
        ),
        migrations.CreateModel(
            name='PolicyUse',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('rule', models.CharField(max_length=64)),
                ('is_permitted', models.BooleanField()),
                ('feature', models.CharField(blank=True, default='', max_length=64)),
                ('data_class', models.CharField(max_length=32)),
                ('purpose', models.CharField(max_length=32)),
                ('recipient', models.CharField(max_length=32)),
                ('count', models.BigIntegerField()),
                ('latest', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('rule', 'day', 'is_permitted', 'feature', 'data_class', 'purpose', 'recipient'), name='policy_use_once_a_day'), models.CheckConstraint(condition=models.Q(('count__gt', 0)), name='policy_use_counted')],
            },
        ),
        migrations.CreateModel(
            name='Refusal',
            fields=[
                ('entry_id', models.UUIDField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('rule', models.CharField(max_length=64)),
                ('feature', models.CharField(blank=True, default='', max_length=64)),
                ('data_class', models.CharField(max_length=32)),
                ('purpose', models.CharField(max_length=32)),
                ('recipient', models.CharField(max_length=32)),
            ],
            options={
                'indexes': [models.Index(models.OrderBy(models.F('at'), descending=True), name='refusal_newest'), models.Index(fields=['feature', 'at'], name='refusal_by_feature')],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('size', models.BigIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'tallies',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='tally_is_one')],
            },
        ),
        migrations.CreateModel(
            name='EvidenceBundle',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('made_at', models.DateTimeField(db_index=True)),
                ('document', models.BinaryField()),
                ('not_met', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), size=None)),
            ],
        ),
        migrations.CreateModel(
            name='Gauge',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=64)),
                ('labels', models.CharField(blank=True, default='', max_length=120)),
                ('value', models.FloatField()),
                ('measured_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'labels'), name='gauge_once')],
            },
        ),
        migrations.CreateModel(
            name='DataKey',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('holder', models.UUIDField(unique=True)),
                ('line', models.CharField(max_length=16)),
                ('epoch', models.PositiveIntegerField(default=1)),
                ('key_id', models.BinaryField(max_length=8)),
                ('wrapped', models.BinaryField(max_length=128)),
                ('kek_epoch', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['line', 'kek_epoch', 'id'], name='data_key_by_epoch')],
                'constraints': [models.CheckConstraint(condition=models.Q(('line__in', ['content', 'account', 'credential', 'own'])), name='data_key_line_known')],
            },
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('epoch', models.PositiveIntegerField(default=1)),
                ('given_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('owner_id', models.UUIDField()),
                ('organisation_id', models.UUIDField()),
                ('feature', models.CharField(max_length=64)),
                ('purpose', models.CharField(blank=True, db_default='', default='', max_length=32)),
                ('recipient', models.CharField(blank=True, db_default='', default='', max_length=32)),
                ('item', models.UUIDField(null=True)),
                ('reader_id', models.UUIDField(null=True)),
                ('version', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('owner_id', 'organisation_id', 'feature', 'purpose', 'recipient', 'item'), name='consent_one_live_per_subject', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('withdrawn_at', None), ('withdrawn_at__gte', models.F('given_at')), _connector='OR'), name='consent_withdrawn_after_given'), models.CheckConstraint(condition=models.Q(('expires_at', None), ('expires_at__gt', models.F('given_at')), _connector='OR'), name='consent_expires_after_given'), models.CheckConstraint(condition=models.Q(('item', None), ('expires_at__isnull', False), _connector='OR'), name='consent_to_an_item_has_an_end')],
            },
        ),
        migrations.CreateModel(
            name='KeyEpoch',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('line', models.CharField(max_length=16)),
                ('number', models.PositiveIntegerField()),
                ('began_at', models.DateTimeField()),
                ('destroyed_at', models.DateTimeField(null=True)),
                ('entry_id', models.UUIDField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('line__in', ['content', 'account', 'credential', 'own'])), name='key_epoch_line_known'), models.UniqueConstraint(fields=('line', 'number'), name='key_epoch_once_per_line'), models.CheckConstraint(condition=models.Q(models.Q(('destroyed_at', None), ('entry_id', None)), models.Q(('destroyed_at__isnull', False), ('entry_id__isnull', False)), _connector='OR'), name='key_epoch_destroyed_iff_recorded')],
            },
        ),
        migrations.CreateModel(
            name='Leaf',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('payload', models.BinaryField()),
                ('subject', models.BinaryField(max_length=16, null=True)),
                ('idx', models.BigIntegerField(null=True, unique=True)),
                ('writer', models.CharField(db_default='', editable=False, max_length=63)),
                ('fault', models.CharField(db_default='', editable=False, max_length=8)),
            ],
            options={
                'verbose_name_plural': 'leaves',
                'indexes': [models.Index(condition=models.Q(('fault', ''), ('idx', None)), fields=['id'], name='leaf_without_a_place'), models.Index(fields=['subject', 'id'], name='leaf_by_subject')],
            },
        ),
        migrations.CreateModel(
            name='Tile',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('level', models.PositiveSmallIntegerField()),
                ('position', models.BigIntegerField()),
                ('hashes', models.BinaryField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('level', 'position'), name='tile_once_per_place')],
            },
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('size', models.BigIntegerField(primary_key=True, serialize=False)),
                ('root', models.BinaryField(max_length=32)),
                ('note', models.TextField(blank=True, default='')),
                ('made_at', models.DateTimeField()),
                ('signed_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('note', ''), ('signed_at', None)), models.Q(models.Q(('note', ''), _negated=True), ('signed_at__isnull', False)), _connector='OR'), name='checkpoint_signed_at_iff_it_has_a_note')],
            },
        ),
        migrations.CreateModel(
            name='VerifierKeyPeriod',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(max_length=16)),
                ('verifier_key', models.CharField(max_length=255)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('until', None)), fields=('role',), name='verifier_key_one_signs_per_role')],
            },
        ),
        migrations.CreateModel(
            name='OwedTombstone',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=16)),
                ('value', models.CharField(max_length=64)),
                ('published_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('published_at', None)), fields=['id'], name='tombstone_owed')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'value'), name='tombstone_once')],
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('subject_id', models.UUIDField()),
                ('part', models.PositiveSmallIntegerField(default=1)),
                ('owner_id', models.UUIDField()),
                ('document', models.BinaryField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(models.F('owner_id'), models.OrderBy(models.F('created_at'), descending=True), name='receipt_by_owner')],
                'constraints': [models.UniqueConstraint(fields=('subject_id', 'part'), name='receipt_once_per_part'), models.CheckConstraint(condition=models.Q(('part__in', [1, 2])), name='receipt_of_two_parts')],
            },
        ),
        migrations.CreateModel(
            name='ReceiptLink',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField(max_length=32, unique=True)),
                ('subject_id', models.UUIDField(db_index=True)),
                ('made_at', models.DateTimeField()),
            ],
        ),
        migrations.RunSQL((SQL / "ledger_entries.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "data_keys.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "ledger_keys.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "person_keys.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "opened_keys.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "receipt_links.sql").read_text(encoding="utf-8")),
    ]
