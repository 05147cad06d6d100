"""
All tables of this app, and the functions in ``sql``.

Until the first release every change of the schema is made here (see config/README.md, "One
schema").
"""

from pathlib import Path

import accounts.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('about', models.UUIDField()),
                ('window', models.CharField(max_length=64)),
                ('body', models.JSONField(default=dict)),
                ('raised_at', models.DateTimeField()),
                ('count', models.BigIntegerField(default=1)),
                ('last_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('settled_reason', models.CharField(blank=True, default='', max_length=200)),
                ('settled_by', models.UUIDField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('settled_at', None)), fields=['raised_at'], name='alarm_open'), models.Index(fields=['kind', 'about'], name='alarm_by_subject')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('settled_at', None)), fields=('kind', 'about', 'window'), name='alarm_open_once_per_window'), models.CheckConstraint(condition=models.Q(models.Q(('settled_at', None), ('settled_by', None), ('settled_reason', '')), models.Q(('settled_at__isnull', False), models.Q(('settled_reason', ''), _negated=True)), _connector='OR'), name='alarm_settled_with_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='Organisation',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('platform_id', models.CharField(max_length=64, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('founded_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('platform_id', ''), _negated=True), name='organisation_has_platform_id')],
            },
        ),
        migrations.CreateModel(
            name='ServiceClient',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('client_id', models.CharField(max_length=64, unique=True)),
                ('feature', models.CharField(max_length=64)),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)),
                ('jwks', models.JSONField()),
                ('redirect_uris', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), default=list, size=None)),
                ('users_per_minute', models.PositiveIntegerField(default=60)),
                ('usual_requests_per_hour', models.PositiveIntegerField(default=0)),
                ('removals_due_at', models.DateTimeField(null=True)),
                ('registered_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('client_id', ''), _negated=True), name='client_has_client_id'), models.CheckConstraint(condition=models.Q(('feature', ''), _negated=True), name='client_has_feature'), models.CheckConstraint(condition=models.Q(('users_per_minute__gte', 1)), name='client_limit_is_positive')],
            },
        ),
        migrations.CreateModel(
            name='UsedAssertion',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.serviceclient')),
                ('jti_hash', models.BinaryField(max_length=32)),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='assertion_expiry')],
                'constraints': [models.UniqueConstraint(fields=('client', 'jti_hash'), name='assertion_used_once_per_client')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('user_id', models.UUIDField(db_index=True, null=True)),
                ('site', models.CharField(db_default='web', max_length=8)),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('platform_id', models.CharField(max_length=64, unique=True)),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('role', models.CharField(choices=[('member', 'Member'), ('support', 'Support'), ('reviewer', 'Reviewer'), ('operator', 'Operator')], default='member', max_length=16)),
                ('is_active', models.BooleanField(default=True)),
                ('registered_at', models.DateTimeField()),
                ('deactivated_at', models.DateTimeField(null=True)),
                ('last_seen_at', models.DateTimeField()),
                ('time_zone', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('date_format', models.CharField(blank=True, choices=[('day-first', '31 Dec 2026, 17:05'), ('day-first-12', '31 Dec 2026, 5:05 PM'), ('month-first', 'Dec 31, 2026, 5:05 PM'), ('iso', '2026-12-31 17:05')], db_default='', default='', max_length=16)),
            ],
            options={
                'indexes': [models.Index(fields=['last_seen_at'], name='user_last_seen')],
                'constraints': [models.CheckConstraint(condition=models.Q(('role__in', ['member', 'support', 'reviewer', 'operator'])), name='user_role_known'), models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='user_email_in_lower_case'), models.CheckConstraint(condition=models.Q(('platform_id', ''), _negated=True), name='user_has_platform_id'), models.CheckConstraint(condition=models.Q(('date_format__in', ['', 'day-first', 'day-first-12', 'month-first', 'iso'])), name='user_date_format_known'), models.CheckConstraint(condition=models.Q(models.Q(('deactivated_at', None), ('is_active', True)), models.Q(('deactivated_at__isnull', False), ('is_active', False)), _connector='OR'), name='user_deactivated_at_iff_not_active')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.organisation')),
                ('epoch', models.PositiveIntegerField(default=1)),
                ('joined_at', models.DateTimeField()),
                ('left_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('left_at', None)), fields=('user', 'organisation'), name='membership_one_live_per_organisation'), models.CheckConstraint(condition=models.Q(('left_at', None), ('left_at__gte', models.F('joined_at')), _connector='OR'), name='membership_left_after_joining')],
            },
        ),
        migrations.CreateModel(
            name='Delegation',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('feature', models.CharField(max_length=64)),
                ('feature_version', models.PositiveIntegerField()),
                ('epoch', models.PositiveIntegerField(default=1)),
                ('switched_on_at', models.DateTimeField()),
                ('switched_off_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['feature', '-id'], name='delegation_of_feature')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('switched_off_at', None)), fields=('user', 'organisation', 'feature'), name='delegation_one_live_per_feature'), models.CheckConstraint(condition=models.Q(('switched_off_at', None), ('switched_off_at__gte', models.F('switched_on_at')), _connector='OR'), name='delegation_off_after_on'), models.CheckConstraint(condition=models.Q(('feature', ''), _negated=True), name='delegation_has_feature')],
            },
        ),
        migrations.CreateModel(
            name='ServiceClientChange',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('register', 'Register'), ('keys', 'Keys'), ('redirects', 'Redirects'), ('retire', 'Retire')], max_length=16)),
                ('feature', models.CharField(max_length=64)),
                ('client', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.serviceclient')),
                ('values', models.JSONField()),
                ('proposed_by', models.UUIDField()),
                ('proposed_at', models.DateTimeField()),
                ('seal', models.CharField(max_length=200)),
                ('approved_by', models.UUIDField(null=True)),
                ('approved_at', models.DateTimeField(null=True)),
                ('approval_seal', models.CharField(blank=True, default='', max_length=200)),
                ('settled_at', models.DateTimeField(null=True)),
                ('refusal', models.CharField(blank=True, choices=[('forged', 'Forged'), ('expired', 'Expired'), ('operators', 'Operators'), ('changed', 'Changed')], default='', max_length=16)),
                ('notified_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('settled_at', None), ('notified_at', None), _connector='OR'), fields=['proposed_at'], name='client_change_with_work')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('approval_seal', ''), ('approved_at', None), ('approved_by', None)), models.Q(('approved_at__isnull', False), models.Q(('approved_by', models.F('proposed_by')), _negated=True)), _connector='OR'), name='client_change_approved_by_another'), models.CheckConstraint(condition=models.Q(('refusal', ''), ('settled_at__isnull', False), _connector='OR'), name='client_change_refused_when_settled')],
            },
        ),
        migrations.CreateModel(
            name='ServiceToken',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('token_hash', models.BinaryField(max_length=32, unique=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.serviceclient')),
                ('delegation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.delegation')),
                ('delegation_epoch', models.PositiveIntegerField(null=True)),
                ('purpose', models.CharField(max_length=64)),
                ('issued_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='token_expiry')],
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('issued_at'))), name='token_expires_after_issue'), models.CheckConstraint(condition=models.Q(models.Q(('delegation', None), ('delegation_epoch', None), ('purpose', 'client')), models.Q(('delegation__isnull', False), ('delegation_epoch__isnull', False), models.Q(('purpose', 'client'), _negated=True)), _connector='OR'), name='token_has_person_unless_client')],
            },
        ),
        migrations.CreateModel(
            name='AuthorizationCode',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('code_hash', models.BinaryField(max_length=32, unique=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.serviceclient')),
                ('delegation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.delegation')),
                ('delegation_epoch', models.PositiveIntegerField()),
                ('redirect_uri', models.CharField(max_length=255)),
                ('code_challenge', models.CharField(max_length=43)),
                ('purpose', models.CharField(max_length=64)),
                ('issued_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('token_id', models.UUIDField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='code_expiry')],
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('issued_at'))), name='code_expires_after_issue'), models.CheckConstraint(condition=models.Q(('token_id', None), ('used_at__isnull', False), _connector='OR'), name='code_with_token_is_used')],
            },
        ),
        migrations.CreateModel(
            name='ClientHour',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.serviceclient')),
                ('hour_at', models.DateTimeField()),
                ('request_count', models.PositiveIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['hour_at'], name='client_hour_age')],
                'constraints': [models.UniqueConstraint(fields=('client', 'hour_at'), name='client_hour_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='UserMinute',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.serviceclient')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('minute_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['minute_at'], name='user_minute_age')],
                'constraints': [models.UniqueConstraint(fields=('client', 'minute_at', 'user'), name='user_minute_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='RateCount',
            fields=[
                ('key_hash', models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ('count', models.PositiveIntegerField()),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='rate_count_expiry')],
            },
        ),
        migrations.CreateModel(
            name='KnownNetwork',
            fields=[
                ('id', models.UUIDField(default=accounts.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('network_hash', models.BinaryField(max_length=32)),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['expires_at'], name='known_network_expiry')],
                'constraints': [models.UniqueConstraint(fields=('user', 'network_hash'), name='known_network_once_per_person')],
            },
        ),
        migrations.RunSQL((SQL / "rate_counters.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "alarms.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "callers.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "people.sql").read_text(encoding="utf-8")),
        migrations.RunSQL((SQL / "password_state.sql").read_text(encoding="utf-8")),
    ]
