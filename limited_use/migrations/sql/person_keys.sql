-- The functions of data_keys.sql and ledger_keys.sql for processes that answer one person at a time:
-- for nobody's keys but those of the person of the transaction (see limited_use/vault/sql_functions.py).
-- They ask `key_holders_of_person` and `key_holders_of_others`, which the app above creates later.

SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.vault_person_read_content(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.wrapped, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.line = 'content' AND k.holder = ANY(holders)
   AND k.holder NOT IN (SELECT public.key_holders_of_others(holders))
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_read_account(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.wrapped, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.line = 'account' AND k.holder = ANY(holders)
   AND k.holder NOT IN (SELECT public.key_holders_of_others(holders))
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_read_credential(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.wrapped, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.line = 'credential' AND k.holder = ANY(holders)
   AND k.holder NOT IN (SELECT public.key_holders_of_others(holders))
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_read_own(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.wrapped, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.line = 'own' AND k.holder = ANY(holders)
   AND k.holder NOT IN (SELECT public.key_holders_of_others(holders))
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_held(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.holder = ANY(holders)
   AND k.holder NOT IN (SELECT public.key_holders_of_others(holders))
$body$;

-- A holder that is new belongs to nobody yet. Of naming keys, which belong to nobody, only the first,
-- of the epoch that wraps it (see naming.holder_of): whoever could make that of the next epoch, or
-- leave its row uncommitted, would stop the turn and all makers of ledger keys.
CREATE OR REPLACE FUNCTION public.vault_person_make(
    id uuid, holder uuid, line text, epoch integer, key_id bytea, wrapped bytea,
    kek_epoch integer, at timestamp with time zone
)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.limited_use_datakey
       (id, holder, line, epoch, key_id, wrapped, kek_epoch, created_at)
SELECT vault_person_make.id, vault_person_make.holder, vault_person_make.line,
       vault_person_make.epoch, vault_person_make.key_id, vault_person_make.wrapped,
       vault_person_make.kek_epoch, vault_person_make.at
 WHERE nullif(current_setting('antares.person', true), '') IS NOT NULL
   AND NOT EXISTS (
       SELECT FROM public.key_holders_of_others(ARRAY[vault_person_make.holder])
       )
   AND (substr(uuid_send(vault_person_make.holder), 1, 8) <> 'LU-names'::bytea
        OR (vault_person_make.line = 'account'
            AND uuid_send(vault_person_make.holder)
                = 'LU-names'::bytea || int8send(vault_person_make.kek_epoch)
            AND NOT EXISTS (
                SELECT FROM public.limited_use_datakey AS k
                 WHERE k.holder BETWEEN '4c552d6e-616d-6573-0000-000000000000'
                                    AND '4c552d6e-616d-6573-ffff-ffffffffffff'
                   AND k.holder <> vault_person_make.holder
                )))
RETURNING limited_use_datakey.holder
$body$;

-- Only the first epochs of a line that has none. A row that is not committed keeps others from adding
-- the same one: with the number of the next epoch, a login could stop its turn, and so all makers of
-- keys, for as long as it likes. None that begins later: a line is turned when its lowest epoch is
-- old enough.
CREATE OR REPLACE FUNCTION public.vault_person_began(
    ids uuid[], line text, numbers integer[], at timestamp with time zone
)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.limited_use_keyepoch (id, line, number, began_at)
SELECT n.id, vault_person_began.line, n.number, vault_person_began.at
  FROM unnest(ids, numbers) AS n(id, number)
 WHERE vault_person_began.at < now() + interval '1 hour'
   AND NOT EXISTS (
       SELECT FROM public.limited_use_keyepoch AS e WHERE e.line = vault_person_began.line
       )
ON CONFLICT DO NOTHING
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_raise(holder uuid, epoch integer)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.limited_use_datakey AS k
   SET epoch = vault_person_raise.epoch
 WHERE k.holder = vault_person_raise.holder AND k.epoch < vault_person_raise.epoch
   AND k.holder IN (SELECT public.key_holders_of_person(ARRAY[vault_person_raise.holder]))
RETURNING k.holder
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_destroy(holder uuid)
RETURNS TABLE (line text, key_id bytea, kek_epoch integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DELETE FROM public.limited_use_datakey AS k
 WHERE k.holder = vault_person_destroy.holder
   AND k.holder IN (SELECT public.key_holders_of_person(ARRAY[vault_person_destroy.holder]))
RETURNING k.line, k.key_id, k.kek_epoch
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_name_make(
    id uuid, holder uuid, commitment bytea, wrapped bytea, kek_epoch integer
)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.limited_use_wrappedledgerkey (id, holder, commitment, wrapped, kek_epoch)
SELECT vault_person_name_make.id, vault_person_name_make.holder,
       vault_person_name_make.commitment, vault_person_name_make.wrapped,
       vault_person_name_make.kek_epoch
 WHERE EXISTS (
       SELECT FROM public.key_holders_of_person(ARRAY[vault_person_name_make.holder])
       )
RETURNING limited_use_wrappedledgerkey.holder
$body$;

CREATE OR REPLACE FUNCTION public.vault_person_name_destroy(holder uuid)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DELETE FROM public.limited_use_wrappedledgerkey AS k
 WHERE k.holder = vault_person_name_destroy.holder
   AND k.holder IN (SELECT public.key_holders_of_person(ARRAY[vault_person_name_destroy.holder]))
RETURNING k.id
$body$;
