-- People across the wall around their rows (see accounts/people.py): found by an address that the
-- caller must have. Each function runs with its owner's rights; `manage.py database_walls` sets owner
-- and grants.

-- The tables of addresses and second factors belong to another app, and are made after these.
SET LOCAL check_function_bodies = off;

-- The person who signs in with exactly this address, and the hash of their password: asked before
-- anybody is signed in.
CREATE OR REPLACE FUNCTION public.find_sign_in(address text)
RETURNS TABLE (person uuid, password text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT u.id, u.password::text
  FROM public.accounts_user AS u
 WHERE u.id = coalesce(
       (SELECT e.user_id FROM public.account_emailaddress AS e
         WHERE e.email = find_sign_in.address AND e.verified LIMIT 1),
       (SELECT o.id FROM public.accounts_user AS o WHERE o.email = find_sign_in.address)
       )
$body$;

-- The active person with exactly this address.
CREATE OR REPLACE FUNCTION public.find_person(address text)
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT u.id
  FROM public.accounts_user AS u
 WHERE u.is_active
   AND u.id = coalesce(
       (SELECT e.user_id FROM public.account_emailaddress AS e
         WHERE e.email = find_person.address AND e.verified LIMIT 1),
       (SELECT o.id FROM public.accounts_user AS o WHERE o.email = find_person.address)
       )
$body$;

-- The active member with exactly this verified address, of the organisation in which the person of the
-- transaction is a member and acts.
CREATE OR REPLACE FUNCTION public.find_colleague(address text)
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT m.user_id
  FROM public.account_emailaddress AS e
  JOIN public.accounts_user AS u ON u.id = e.user_id AND u.is_active
  JOIN public.accounts_membership AS m ON m.user_id = u.id AND m.left_at IS NULL
  JOIN public.accounts_membership AS mine
    ON mine.organisation_id = m.organisation_id AND mine.left_at IS NULL
 WHERE e.email = find_colleague.address AND e.verified
   AND m.organisation_id = nullif(current_setting('antares.organisation', true), '')::uuid
   AND mine.user_id = nullif(current_setting('antares.person', true), '')::uuid
$body$;

-- Names and verified sign-in addresses of the other active members of the organisation in which the
-- person of the transaction is a member and acts.
CREATE OR REPLACE FUNCTION public.find_colleagues(most integer)
RETURNS TABLE (name text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT u.name::text, u.email::text
  FROM public.accounts_membership AS mine
  JOIN public.accounts_membership AS m
    ON m.organisation_id = mine.organisation_id AND m.left_at IS NULL
  JOIN public.accounts_user AS u ON u.id = m.user_id AND u.is_active
 WHERE mine.left_at IS NULL
   AND mine.organisation_id = nullif(current_setting('antares.organisation', true), '')::uuid
   AND mine.user_id = nullif(current_setting('antares.person', true), '')::uuid
   AND u.id <> mine.user_id
   AND EXISTS (SELECT FROM public.account_emailaddress AS e
                WHERE e.user_id = u.id AND e.email = u.email AND e.verified)
 ORDER BY u.name, u.email
 LIMIT find_colleagues.most
$body$;

-- The second factor that the person of the transaction has to keep if they are staff: the newest
-- beside recovery codes. Null for everybody else.
CREATE OR REPLACE FUNCTION public.find_kept_factor()
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT max(a.id)::bigint
  FROM public.mfa_authenticator AS a
  JOIN public.accounts_user AS u ON u.id = a.user_id
 WHERE u.id = nullif(current_setting('antares.person', true), '')::uuid
   AND u.role <> 'member' AND a.type <> 'recovery_codes'
$body$;

-- Whether a second factor of the person of the transaction is of this kind and has this secret; which
-- recovery codes were used may differ.
CREATE OR REPLACE FUNCTION public.is_stored_factor(factor bigint, type text, data jsonb)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT EXISTS (
       SELECT FROM public.mfa_authenticator AS a
        WHERE a.id = is_stored_factor.factor
          AND a.user_id = nullif(current_setting('antares.person', true), '')::uuid
          AND a.type = is_stored_factor.type
          AND a.data - 'used_mask' = is_stored_factor.data - 'used_mask'
       )
$body$;

-- The platform's ids of people, for a platform feature that is told about people whose data it read.
CREATE OR REPLACE FUNCTION public.find_platform_ids(people uuid[])
RETURNS TABLE (person uuid, platform_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT u.id, u.platform_id::text
  FROM public.accounts_user AS u
 WHERE u.id = ANY (find_platform_ids.people)
$body$;
