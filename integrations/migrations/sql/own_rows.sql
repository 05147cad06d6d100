-- Whether a thing belongs to the person of the transaction: asked by the policies of rows that a web
-- process writes about it (see config/database/row_security.py).

CREATE OR REPLACE FUNCTION public.owns_calendar(calendar uuid)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT EXISTS (
       SELECT FROM public.integrations_calendar AS k
        WHERE k.id = owns_calendar.calendar
          AND k.user_id = nullif(current_setting('antares.person', true), '')::uuid
       )
$body$;

CREATE OR REPLACE FUNCTION public.owns_integration(integration uuid)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT EXISTS (
       SELECT FROM public.integrations_integration AS i
         JOIN public.integrations_connection AS c ON c.id = i.connection_id
        WHERE i.id = owns_integration.integration
          AND c.user_id = nullif(current_setting('antares.person', true), '')::uuid
       )
$body$;
