-- The owners of the holders of keys: called by the vault's functions for processes that answer one person
-- at a time (limited_use/migrations/sql/person_keys.sql). No class of process may execute these.

-- The owner of each holder that has one; of a calendar's copy, the calendar as well.
CREATE OR REPLACE FUNCTION public.key_holder_owners(holders uuid[])
RETURNS TABLE (holder uuid, person uuid, calendar uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT c.id, c.user_id, NULL::uuid
  FROM public.integrations_connection AS c WHERE c.id = ANY(holders)
UNION ALL
SELECT c.grant_id, c.user_id, NULL::uuid
  FROM public.integrations_connection AS c WHERE c.grant_id = ANY(holders)
UNION ALL
SELECT i.id, c.user_id, NULL::uuid
  FROM public.integrations_integration AS i
  JOIN public.integrations_connection AS c ON c.id = i.connection_id
 WHERE i.id = ANY(holders)
UNION ALL
SELECT k.cache_id, k.user_id, k.id
  FROM public.integrations_calendar AS k WHERE k.cache_id = ANY(holders)
$body$;

-- Those of the holders that belong to the person of the transaction, and to nobody else: a row of
-- theirs may name anybody's holder.
CREATE OR REPLACE FUNCTION public.key_holders_of_person(holders uuid[])
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT o.holder
  FROM public.key_holder_owners(key_holders_of_person.holders) AS o
 GROUP BY o.holder
HAVING bool_and(o.person = nullif(current_setting('antares.person', true), '')::uuid)
$body$;

-- Those of the holders that belong to somebody else, who shares no calendar of that holder with the
-- person of the transaction.
CREATE OR REPLACE FUNCTION public.key_holders_of_others(holders uuid[])
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT o.holder
  FROM public.key_holder_owners(key_holders_of_others.holders) AS o
 WHERE o.person IS DISTINCT FROM nullif(current_setting('antares.person', true), '')::uuid
   AND NOT EXISTS (
       SELECT FROM public.limited_use_share AS s
        WHERE s.item = o.calendar
          AND s.viewer_id = nullif(current_setting('antares.person', true), '')::uuid
          AND s.organisation_id = nullif(current_setting('antares.organisation', true), '')::uuid
          AND s.withdrawn_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())
       )
$body$;

-- Those of the holders that are integrations of a message, or calendars' copies of an event, which its
-- owner opened to support, while that stands: if the person of the transaction is of support, and the
-- agent for whom it was opened if there is one, or that owner. A calendar's row names its holder, and a
-- web process writes it: nobody else may have that holder.
CREATE OR REPLACE FUNCTION public.key_holders_opened(holders uuid[])
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT m.integration_id
  FROM public.limited_use_consent AS a
  JOIN public.integrations_message AS m
    ON m.id = a.item AND m.user_id = a.owner_id AND m.organisation_id = a.organisation_id
  JOIN public.accounts_user AS u
    ON u.id = nullif(current_setting('antares.person', true), '')::uuid
 WHERE m.integration_id = ANY(holders)
   AND a.feature = 'support' AND a.withdrawn_at IS NULL AND a.expires_at > now()
   AND ((u.role = 'support' AND u.is_active AND coalesce(a.reader_id, u.id) = u.id)
        OR u.id = a.owner_id)
UNION ALL
SELECT k.cache_id
  FROM public.limited_use_consent AS a
  JOIN public.integrations_event AS e
    ON e.id = a.item AND e.user_id = a.owner_id AND e.organisation_id = a.organisation_id
  JOIN public.integrations_calendar AS k
    ON k.id = e.calendar_id AND k.user_id = a.owner_id AND k.organisation_id = a.organisation_id
  JOIN public.accounts_user AS u
    ON u.id = nullif(current_setting('antares.person', true), '')::uuid
 WHERE k.cache_id = ANY(holders)
   AND a.feature = 'support' AND a.withdrawn_at IS NULL AND a.expires_at > now()
   AND ((u.role = 'support' AND u.is_active AND coalesce(a.reader_id, u.id) = u.id)
        OR u.id = a.owner_id)
   AND NOT EXISTS (
       SELECT FROM public.key_holder_owners(ARRAY[k.cache_id]) AS o
        WHERE o.person <> a.owner_id OR o.calendar IS DISTINCT FROM k.id
       )
$body$;
