-- Finds a person for a support agent, and counts what a disconnect would remove (see
-- integrations/support/lookups.py). Each function runs with its owner's rights, which a staff process
-- has not; `manage.py database_walls` sets owner and grants. The agent is the person of the
-- transaction, and has to be of support.

-- Open a look-up for each person whom the exact value finds, or one without a person; return them.
-- The row is the only way to find a person, and nobody finds themself. A code works once.
-- `hashes`: of the code, or of the address, as connections and codes store them.
CREATE OR REPLACE FUNCTION public.open_support_lookup(
    search uuid, means text, value text, hashes bytea[], reason text, ticket text
)
RETURNS TABLE (lookup uuid, person uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
WITH agent AS (
    SELECT u.id, u.name
      FROM public.accounts_user AS u
     WHERE u.id = nullif(current_setting('antares.person', true), '')::uuid
       AND u.role = 'support' AND u.is_active
), taken_code AS (
    UPDATE public.integrations_supportcode AS c
       SET used_at = now(), used_by = agent.id, agent_name = agent.name
      FROM agent
     WHERE open_support_lookup.means = 'code'
       AND c.code_hash = ANY (open_support_lookup.hashes)
       AND c.used_at IS NULL AND c.expires_at > now() AND c.user_id <> agent.id
    RETURNING c.user_id
), found AS (
    SELECT t.user_id FROM taken_code AS t
     UNION
    SELECT u.id FROM public.accounts_user AS u
     WHERE open_support_lookup.means = 'address' AND u.email = open_support_lookup.value
     UNION
    SELECT e.user_id FROM public.account_emailaddress AS e
     WHERE open_support_lookup.means = 'address' AND e.email = open_support_lookup.value AND e.verified
     UNION
    SELECT c.user_id FROM public.integrations_connection AS c
     WHERE open_support_lookup.means = 'address'
       AND c.address_blind = ANY (open_support_lookup.hashes)
     UNION
    SELECT u.id FROM public.accounts_user AS u
     WHERE open_support_lookup.means = 'platform_id' AND u.platform_id = open_support_lookup.value
     UNION
    SELECT c.user_id FROM public.integrations_connection AS c
     WHERE c.id = CASE WHEN open_support_lookup.means = 'connection'
                       THEN open_support_lookup.value::uuid END
     UNION
    SELECT r.owner_id FROM public.limited_use_receipt AS r
     WHERE r.id = CASE WHEN open_support_lookup.means = 'receipt'
                       THEN open_support_lookup.value::uuid END
)
INSERT INTO public.integrations_supportlookup (
    id, search_id, agent_id, means, user_id, reason, ticket, opened_at, expires_at
)
SELECT gen_random_uuid(), open_support_lookup.search, agent.id, open_support_lookup.means, p.id,
       open_support_lookup.reason, open_support_lookup.ticket, now(), now() + interval '30 minutes'
  FROM agent
  LEFT JOIN (found JOIN public.accounts_user AS p ON p.id = found.user_id) ON p.id <> agent.id
RETURNING id, user_id
$body$;

-- The people whom the agent has found, while the look-up is open: asked by the policies of rows
-- (config/database/staff_visible_rows.py), as are their connections and integrations.
CREATE OR REPLACE FUNCTION public.found_people()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT DISTINCT l.user_id
  FROM public.integrations_supportlookup AS l
  JOIN public.accounts_user AS u ON u.id = l.agent_id AND u.role = 'support' AND u.is_active
 WHERE l.agent_id = nullif(current_setting('antares.person', true), '')::uuid
   AND l.user_id IS NOT NULL AND l.expires_at > now()
$body$;

CREATE OR REPLACE FUNCTION public.found_connections()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT c.id FROM public.integrations_connection AS c
 WHERE c.user_id = ANY (ARRAY(SELECT public.found_people()))
$body$;

CREATE OR REPLACE FUNCTION public.found_integrations()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT i.id FROM public.integrations_integration AS i
 WHERE i.connection_id = ANY (ARRAY(SELECT public.found_connections()))
$body$;

-- Count what each of the integrations holds, if the agent has found its owner.
CREATE OR REPLACE FUNCTION public.count_support_effect(integrations uuid[])
RETURNS TABLE (integration uuid, kind text, counted bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
WITH looked_up AS (
    SELECT f.id FROM public.found_integrations() AS f(id)
     WHERE f.id = ANY (count_support_effect.integrations)
)
SELECT i.id, 'messages', count(*) FROM looked_up AS i
  JOIN public.integrations_message AS m ON m.integration_id = i.id GROUP BY i.id
UNION ALL
SELECT i.id, 'calendars', count(*) FROM looked_up AS i
  JOIN public.integrations_calendar AS k ON k.integration_id = i.id GROUP BY i.id
UNION ALL
SELECT i.id, 'events', count(*) FROM looked_up AS i
  JOIN public.integrations_calendar AS k ON k.integration_id = i.id
  JOIN public.integrations_event AS e ON e.calendar_id = k.id GROUP BY i.id
UNION ALL
SELECT i.id, 'shares', count(*) FROM looked_up AS i
  JOIN public.integrations_calendar AS k ON k.integration_id = i.id
  JOIN public.limited_use_share AS s
    ON s.item = k.id AND s.withdrawn_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())
 GROUP BY i.id
UNION ALL
SELECT i.id, 'unsent', count(*) FROM looked_up AS i
  JOIN public.integrations_outboxcommand AS o
    ON o.integration_id = i.id AND o.kind = 'mail' AND o.state IN ('waiting', 'drafted')
 GROUP BY i.id
UNION ALL
SELECT i.id, 'uploads', count(*) FROM looked_up AS i
  JOIN public.integrations_drivefile AS u ON u.integration_id = i.id GROUP BY i.id
UNION ALL
SELECT i.id, 'quarantined', count(*) FROM looked_up AS i
  JOIN public.integrations_setaside AS q ON q.integration_id = i.id GROUP BY i.id
$body$;
