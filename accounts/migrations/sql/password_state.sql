-- The state of a person's password (see accounts/reset_tokens.py). The function runs with its owner's
-- rights: a worker makes links to set a new password, and reads no password hash.

-- A hash that changes with the password and with each sign-in; null for who is not active.
CREATE OR REPLACE FUNCTION public.password_state(person uuid)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT encode(
           sha256(convert_to(u.password || '|' || coalesce(extract(epoch FROM u.last_login)::text, ''), 'UTF8')), 'hex'
       )
  FROM public.accounts_user AS u
 WHERE u.id = password_state.person AND u.is_active
$body$;
