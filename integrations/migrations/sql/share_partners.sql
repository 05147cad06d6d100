-- Names of the people with whom the person of the transaction has a share that was not withdrawn,
-- and addresses of those who share with them (see integrations/crossings.py).
CREATE OR REPLACE FUNCTION public.share_partners()
RETURNS TABLE (person uuid, name text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT u.id, u.name::text,
       max(CASE WHEN s.owner_id = u.id THEN u.email END)::text
  FROM public.limited_use_share AS s
  JOIN public.accounts_user AS u
    ON u.id = CASE WHEN s.viewer_id = nullif(current_setting('antares.person', true), '')::uuid
                   THEN s.owner_id ELSE s.viewer_id END
 WHERE nullif(current_setting('antares.person', true), '')::uuid IN (s.viewer_id, s.owner_id)
   AND s.organisation_id = nullif(current_setting('antares.organisation', true), '')::uuid
   AND s.withdrawn_at IS NULL
 GROUP BY u.id, u.name
$body$;
