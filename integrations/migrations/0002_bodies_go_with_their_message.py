"""
A message's body and attachments go with it, by the database.

Django 5.2 cannot declare it (`DB_CASCADE` comes with 6.1), so the models say DO_NOTHING and
the constraint is made here.
"""

from django.db import migrations

_REPLACE = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT conname FROM pg_constraint
         WHERE conrelid = '{table}'::regclass AND contype = 'f'
           AND confrelid = 'integrations_message'::regclass
    LOOP
        EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', found.conname);
    END LOOP;
    ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (message_id)
        REFERENCES integrations_message (id) {action} DEFERRABLE INITIALLY DEFERRED;
END $$
"""
_NAMES = {
    "integrations_messagebody": "body_goes_with_its_message",
    "integrations_attachment": "attachment_goes_with_its_message",
}


def _sql(action):
    return [_REPLACE.format(table=table, name=name, action=action) for table, name in _NAMES.items()]


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]
    operations = [
        migrations.RunSQL(sql=_sql("ON DELETE CASCADE"), reverse_sql=_sql("ON DELETE NO ACTION"))
    ]
