-- Lookups across users, by a keyed hash that the caller must have (see integrations/access/cross_user_lookups.py).
-- Each function runs with its owner's rights; `manage.py database_walls` sets owner and grants.

-- Connections of one account at a provider that have not ended.
CREATE OR REPLACE FUNCTION public.account_holders(provider text, blind bytea)
RETURNS TABLE (connection uuid, person uuid, organisation uuid, status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT c.id, c.user_id, c.organisation_id, c.status::text
  FROM public.integrations_connection AS c
 WHERE c.provider = account_holders.provider
   AND c.account_blind = account_holders.blind
   AND c.ended_at IS NULL
$body$;

-- The latest time until which a revocation of one account's grant may be under way: of a connection
-- that ends, or of a grant that was not kept.
CREATE OR REPLACE FUNCTION public.account_revoking(
    provider text, blind bytea, at timestamp with time zone
)
RETURNS timestamp with time zone
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT max(d.until)
  FROM (
        SELECT c.revoking_until
          FROM public.integrations_connection AS c
         WHERE c.provider = account_revoking.provider
           AND c.account_blind = account_revoking.blind
        UNION ALL
        SELECT g.revoking_until
          FROM public.integrations_discard AS g
         WHERE g.provider = account_revoking.provider
           AND g.account_blind = account_revoking.blind
       ) AS d(until)
 WHERE d.until > account_revoking.at
$body$;

-- The users who have a watch that is looked up by this hash.
CREATE OR REPLACE FUNCTION public.watch_owners(kind text, blind bytea)
RETURNS TABLE (person uuid, organisation uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT DISTINCT c.user_id, c.organisation_id
  FROM public.integrations_watch AS w
  JOIN public.integrations_connection AS c ON c.id = w.connection_id
 WHERE w.kind = watch_owners.kind AND w.lookup_blind = watch_owners.blind
$body$;

-- The user who made the link for an administrator that has this state.
CREATE OR REPLACE FUNCTION public.approval_owner(hash bytea)
RETURNS TABLE (person uuid, organisation uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT a.user_id, a.organisation_id
  FROM public.integrations_approval AS a
 WHERE a.state_hash = approval_owner.hash
$body$;
