from django.db import migrations, models

# A leaf never changes and never goes, whichever columns it has; its place is written once.
KEEP_LEAVES = """
CREATE OR REPLACE FUNCTION limited_use_keep_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.idx IS NULL AND NEW.idx IS NOT NULL
        AND NEW.id = OLD.id AND NEW.payload = OLD.payload
        AND NEW.subject IS NOT DISTINCT FROM OLD.subject
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a ledger entry never changes and never goes'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER limited_use_keep_leaves BEFORE TRUNCATE ON limited_use_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION limited_use_keep_leaf();
"""
AS_BEFORE = """
DROP TRIGGER limited_use_keep_leaves ON limited_use_leaf;
CREATE OR REPLACE FUNCTION limited_use_keep_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.idx IS NULL AND NEW.idx IS NOT NULL
        AND NEW.id = OLD.id AND NEW.payload = OLD.payload
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a ledger entry never changes and never goes'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
"""
# What an entry says already, in a column of its own. Only this migration may.
FILL = """
ALTER TABLE limited_use_leaf DISABLE TRIGGER limited_use_keep_leaf;
UPDATE limited_use_leaf
   SET subject = decode(convert_from(payload, 'UTF8')::jsonb ->> 'subject', 'hex')
 WHERE convert_from(payload, 'UTF8')::jsonb ->> 'subject' ~ '^[0-9a-f]{32}$';
ALTER TABLE limited_use_leaf ENABLE TRIGGER limited_use_keep_leaf;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('limited_use', '0008_uses_counted'),
    ]

    operations = [
        migrations.AddField(
            model_name='leaf',
            name='subject',
            field=models.BinaryField(max_length=16, null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='leaf',
            index=models.Index(fields=['subject', 'id'], name='leaf_by_subject'),
        ),
        migrations.RunSQL(KEEP_LEAVES, AS_BEFORE),
    ]
