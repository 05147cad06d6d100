-- A ledger entry is never changed or deleted. The sequencer writes its place, or why it has none,
-- once.

CREATE FUNCTION limited_use_add_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The owner of the table restores rows with what they had.
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')
    THEN
        NEW.idx := NULL;
        NEW.fault := '';
        NEW.writer := '';
    END IF;
    NEW.writer := coalesce(nullif(NEW.writer, ''), current_user);
    RETURN NEW;
END
$$;

CREATE TRIGGER limited_use_add_leaf BEFORE INSERT ON limited_use_leaf
    FOR EACH ROW EXECUTE FUNCTION limited_use_add_leaf();

CREATE FUNCTION limited_use_keep_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.idx IS NULL AND OLD.fault = ''
        AND (NEW.idx IS NULL) = (NEW.fault <> '') AND NEW.writer = OLD.writer
        AND NEW.id = OLD.id AND NEW.payload = OLD.payload
        AND NEW.subject IS NOT DISTINCT FROM OLD.subject
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a ledger entry never changes and never goes'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER limited_use_keep_leaf BEFORE UPDATE OR DELETE ON limited_use_leaf
    FOR EACH ROW EXECUTE FUNCTION limited_use_keep_leaf();

CREATE TRIGGER limited_use_keep_leaves BEFORE TRUNCATE ON limited_use_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION limited_use_keep_leaf();
