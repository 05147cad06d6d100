from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0006_grants_with_a_key_of_their_own'),
    ]

    operations = [
        migrations.AlterField(
            model_name='purgejob',
            name='trigger',
            field=models.CharField(choices=[('owner', 'Owner'), ('support', 'Support'), ('grant_ended', 'Grant Ended'), ('permission_withdrawn', 'Permission Withdrawn'), ('consent_withdrawn', 'Consent Withdrawn'), ('left_organisation', 'Left Organisation'), ('organisation_closed', 'Organisation Closed'), ('deactivated', 'Deactivated'), ('inactive', 'Inactive')], max_length=24),
        ),
    ]
