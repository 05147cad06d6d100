from django.db import migrations, models

import limited_use.vault.fields


class Migration(migrations.Migration):
    """What somebody has to meet when they reconnect, sealed; gone when the connection ends."""

    dependencies = [
        ('integrations', '0019_approvals'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='wanted_claims',
            field=limited_use.vault.fields.SealedField(data_class='profile', holder='id', null=True),
        ),
        migrations.AlterField(
            model_name='integration',
            name='status_reason',
            field=models.CharField(blank=True, choices=[('', 'None'), ('rate_limited', 'Rate Limited'), ('provider_unavailable', 'Provider Unavailable'), ('resyncing', 'Resyncing'), ('quarantined_items', 'Quarantined Items'), ('scope_missing', 'Scope Missing'), ('mailbox_not_provisioned', 'Mailbox Not Provisioned'), ('app_misconfigured', 'App Misconfigured'), ('no_worker', 'No Worker'), ('count_mismatch', 'Count Mismatch'), ('push_silent', 'Push Silent'), ('grant_revoked', 'Grant Revoked'), ('confirmation_needed', 'Confirmation Needed'), ('unexpected', 'Unexpected')], default='', max_length=32),
        ),
        migrations.RemoveConstraint(
            model_name='connection',
            name='connection_ended_holds_nothing',
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'ended'), _negated=True), models.Q(('access_token', None), ('account_blind', None), ('email', None), ('refresh_token', None), ('wanted_claims', None)), _connector='OR'), name='connection_ended_holds_nothing'),
        ),
    ]
