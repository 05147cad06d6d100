-- Keeps the statuses that an integration had (see integrations/models/status_change.py). It runs with
-- the rights of the process that changes the status. A purge deletes the rows and writes none.

CREATE FUNCTION public.keep_status_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF NEW.status NOT IN ('purging', 'purged') THEN
        INSERT INTO public.integrations_statuschange (id, integration_id, status, reason, since)
        VALUES (gen_random_uuid(), NEW.id, NEW.status, NEW.status_reason, NEW.status_since);
    END IF;
    RETURN NULL;
END
$body$;

CREATE TRIGGER keep_first_status AFTER INSERT ON public.integrations_integration
    FOR EACH ROW EXECUTE FUNCTION public.keep_status_change();
CREATE TRIGGER keep_changed_status
    AFTER UPDATE OF status, status_reason ON public.integrations_integration
    FOR EACH ROW WHEN (
        OLD.status IS DISTINCT FROM NEW.status
        OR OLD.status_reason IS DISTINCT FROM NEW.status_reason
    )
    EXECUTE FUNCTION public.keep_status_change();
