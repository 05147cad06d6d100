from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0003_connection_forgotten'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='attachment',
            name='attachment_by_integration',
        ),
        migrations.RemoveIndex(
            model_name='messagebody',
            name='body_by_integration',
        ),
        migrations.AddIndex(
            model_name='attachment',
            index=models.Index(fields=['integration_id', 'id'], name='attachment_of_integration'),
        ),
        migrations.AddIndex(
            model_name='messagebody',
            index=models.Index(fields=['integration_id', 'message'], name='body_of_integration'),
        ),
    ]
