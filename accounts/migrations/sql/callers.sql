-- Find the caller of a request by the hash of a session key or of a service token (see
-- accounts/caller_lookup.py), before the process acts for anybody. Each function runs with its
-- owner's rights; `manage.py database_walls` sets owner and grants.

-- Returns a live session of the ordinary site with the person whom its row names: a row for each of
-- their live memberships in open organisations, the oldest first, and one row if there is none. The
-- caller has to check that the person is active, and is the person whom the signed data names.
CREATE OR REPLACE FUNCTION public.find_web_session(key_hash text, at timestamp with time zone)
RETURNS TABLE (
    session_data text, password text, person uuid, platform_id text, email text, name text,
    role text,
    is_active boolean, last_seen_at timestamp with time zone, time_zone text, date_format text,
    membership uuid, organisation uuid, epoch integer, organisation_name text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT s.session_data, u.password::text, u.id, u.platform_id::text, u.email::text, u.name::text,
       u.role::text, u.is_active, u.last_seen_at, u.time_zone::text, u.date_format::text, m.id,
       m.organisation_id, m.epoch, o.name::text
  FROM public.accounts_session AS s
  LEFT JOIN public.accounts_user AS u ON u.id = s.user_id
  LEFT JOIN (
       public.accounts_membership AS m
       JOIN public.accounts_organisation AS o ON o.id = m.organisation_id AND o.closed_at IS NULL
       ) ON m.user_id = u.id AND m.left_at IS NULL
 WHERE s.session_key = find_web_session.key_hash AND s.site = 'web'
   AND s.expire_date > find_web_session.at
 ORDER BY m.joined_at, m.id
$body$;

-- The same for a session of the staff site, which is shown the rows of staff alone.
CREATE OR REPLACE FUNCTION public.find_staff_session(key_hash text, at timestamp with time zone)
RETURNS TABLE (
    session_data text, password text, person uuid, platform_id text, email text, name text,
    role text,
    is_active boolean, last_seen_at timestamp with time zone, time_zone text, date_format text,
    membership uuid, organisation uuid, epoch integer, organisation_name text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT s.session_data, u.password::text, u.id, u.platform_id::text, u.email::text, u.name::text,
       u.role::text, u.is_active, u.last_seen_at, u.time_zone::text, u.date_format::text, m.id,
       m.organisation_id, m.epoch, o.name::text
  FROM public.accounts_session AS s
  LEFT JOIN public.accounts_user AS u ON u.id = s.user_id AND u.role <> 'member'
  LEFT JOIN (
       public.accounts_membership AS m
       JOIN public.accounts_organisation AS o ON o.id = m.organisation_id AND o.closed_at IS NULL
       ) ON m.user_id = u.id AND m.left_at IS NULL
 WHERE s.session_key = find_staff_session.key_hash AND s.site = 'staff'
   AND s.expire_date > find_staff_session.at
 ORDER BY m.joined_at, m.id
$body$;

-- Returns a service token by the hashes that it may be stored under, if it has not expired, its
-- client is not retired, its delegation is on and has the epoch that the token was minted under,
-- the membership that the delegation rests on is live in an open organisation, and the person is
-- active. `is_counted`: the client was counted for that person in the minute of `at` (see
-- accounts/client_usage.py).
CREATE OR REPLACE FUNCTION public.find_service_token(hashes bytea[], at timestamp with time zone)
RETURNS TABLE (
    token uuid, delegation_epoch integer, purpose text, expires_at timestamp with time zone,
    client uuid, feature text, users_per_minute integer, usual_requests_per_hour integer,
    removals_due_at timestamp with time zone, delegation uuid, organisation uuid, person uuid,
    platform_id text, name text, role text, is_counted boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT t.id, t.delegation_epoch, t.purpose::text, t.expires_at, c.id, c.feature::text,
       c.users_per_minute, c.usual_requests_per_hour, c.removals_due_at, d.id, d.organisation_id,
       u.id, u.platform_id::text, u.name::text, u.role::text,
       EXISTS (
       SELECT FROM public.accounts_userminute AS p
        WHERE p.client_id = c.id AND p.user_id = u.id
          AND p.minute_at = date_trunc('minute', find_service_token.at, 'UTC')
       )
  FROM public.accounts_servicetoken AS t
  JOIN public.accounts_serviceclient AS c ON c.id = t.client_id AND c.retired_at IS NULL
  JOIN public.accounts_delegation AS d
    ON d.id = t.delegation_id AND d.epoch = t.delegation_epoch AND d.switched_off_at IS NULL
  JOIN public.accounts_membership AS m
    ON m.user_id = d.user_id AND m.organisation_id = d.organisation_id AND m.left_at IS NULL
  JOIN public.accounts_organisation AS o ON o.id = m.organisation_id AND o.closed_at IS NULL
  JOIN public.accounts_user AS u ON u.id = d.user_id AND u.is_active
 WHERE t.token_hash = ANY (find_service_token.hashes) AND t.expires_at > find_service_token.at
 ORDER BY t.id
 LIMIT 1
$body$;

-- Returns a client's own token, which stands for no person, by the hashes that it may be stored
-- under, if it has not expired and its client is not retired.
CREATE OR REPLACE FUNCTION public.find_client_token(hashes bytea[], at timestamp with time zone)
RETURNS TABLE (
    token uuid, expires_at timestamp with time zone, client uuid, client_name text, feature text,
    usual_requests_per_hour integer
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT t.id, t.expires_at, c.id, c.client_id::text, c.feature::text, c.usual_requests_per_hour
  FROM public.accounts_servicetoken AS t
  JOIN public.accounts_serviceclient AS c ON c.id = t.client_id AND c.retired_at IS NULL
 WHERE t.token_hash = ANY (find_client_token.hashes) AND t.delegation_id IS NULL
   AND t.purpose = 'client' AND t.expires_at > find_client_token.at
 ORDER BY t.id
 LIMIT 1
$body$;

-- Returns the delegations to a feature that are on, or were switched off since `ended_since`, the
-- newest first: to the feature's client, which acts for nobody. `is_usable`: the person is active, and
-- a member of the open organisation that the delegation rests on.
CREATE OR REPLACE FUNCTION public.list_delegations(
    feature text, ended_since timestamp with time zone, before uuid, most integer
)
RETURNS TABLE (
    delegation uuid, person uuid, platform_person text, organisation uuid,
    platform_organisation text, feature_version integer, switched_on_at timestamp with time zone,
    switched_off_at timestamp with time zone, is_usable boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT d.id, u.id, u.platform_id::text, o.id, o.platform_id::text, d.feature_version,
       d.switched_on_at, d.switched_off_at,
       u.is_active AND o.closed_at IS NULL AND EXISTS (
       SELECT FROM public.accounts_membership AS m
        WHERE m.user_id = d.user_id AND m.organisation_id = d.organisation_id AND m.left_at IS NULL
       )
  FROM public.accounts_delegation AS d
  JOIN public.accounts_user AS u ON u.id = d.user_id
  JOIN public.accounts_organisation AS o ON o.id = d.organisation_id
 WHERE d.feature = list_delegations.feature
   AND (d.switched_off_at IS NULL OR d.switched_off_at > list_delegations.ended_since)
   AND (list_delegations.before IS NULL OR d.id < list_delegations.before)
 ORDER BY d.id DESC
 LIMIT list_delegations.most
$body$;

-- Returns a delegation to the feature of a client, which may ask for a token for it. `is_usable`: as
-- in `list_delegations`. `is_counted`: as in `find_service_token`.
CREATE OR REPLACE FUNCTION public.find_delegation(
    delegation uuid, client uuid, at timestamp with time zone
)
RETURNS TABLE (
    person uuid, epoch integer, switched_off_at timestamp with time zone, is_usable boolean,
    is_counted boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT d.user_id, d.epoch, d.switched_off_at,
       EXISTS (
       SELECT FROM public.accounts_membership AS m
         JOIN public.accounts_organisation AS o ON o.id = m.organisation_id AND o.closed_at IS NULL
         JOIN public.accounts_user AS u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = d.user_id AND m.organisation_id = d.organisation_id AND m.left_at IS NULL
       ),
       EXISTS (
       SELECT FROM public.accounts_userminute AS p
        WHERE p.client_id = c.id AND p.user_id = d.user_id
          AND p.minute_at = date_trunc('minute', find_delegation.at, 'UTC')
       )
  FROM public.accounts_delegation AS d
  JOIN public.accounts_serviceclient AS c
    ON c.id = find_delegation.client AND c.feature = d.feature
 WHERE d.id = find_delegation.delegation
$body$;
