-- Names, addresses and platform ids of the people who share something with the person of the transaction, by a share
-- that was not withdrawn (see integrations/access/cross_user_lookups.py). Of the viewers of their own shares, people
-- are shown the addresses that they typed.
CREATE OR REPLACE FUNCTION public.share_partners()
RETURNS TABLE (person uuid, name text, address text, platform_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT u.id, u.name::text, u.email::text, u.platform_id::text
  FROM public.limited_use_share AS s
  JOIN public.accounts_user AS u ON u.id = s.owner_id
 WHERE s.viewer_id = nullif(current_setting('antares.person', true), '')::uuid
   AND s.organisation_id = nullif(current_setting('antares.organisation', true), '')::uuid
   AND s.withdrawn_at IS NULL
 GROUP BY u.id, u.name, u.email, u.platform_id
$body$;
