from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0008_own_copies'),
    ]

    operations = [
        migrations.AlterField(
            model_name='purgejob',
            name='trigger',
            field=models.CharField(choices=[('owner', 'Owner'), ('support', 'Support'), ('grant_ended', 'Grant Ended'), ('permission_withdrawn', 'Permission Withdrawn'), ('consent_withdrawn', 'Consent Withdrawn'), ('left_organisation', 'Left Organisation'), ('organisation_closed', 'Organisation Closed'), ('deactivated', 'Deactivated'), ('inactive', 'Inactive'), ('restored', 'Restored')], max_length=24),
        ),
    ]
