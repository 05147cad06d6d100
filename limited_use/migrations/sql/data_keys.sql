-- The only way to the wrapped data keys and to the key epochs (see limited_use/vault/sql_functions.py).
-- Each function runs with its owner's rights; `manage.py database_walls` sets owner and grants.

CREATE OR REPLACE FUNCTION public.vault_read_content(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, wrapped, kek_epoch
  FROM public.limited_use_datakey
 WHERE line = 'content' AND holder = ANY(holders)
$body$;

CREATE OR REPLACE FUNCTION public.vault_read_account(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, wrapped, kek_epoch
  FROM public.limited_use_datakey
 WHERE line = 'account' AND holder = ANY(holders)
$body$;

-- Read the keys that the ledger's names are made with: those of the holders that
-- `ledger_key_wrap.get_naming_holder` makes, and so of nobody's account.
CREATE OR REPLACE FUNCTION public.vault_read_naming(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, wrapped, kek_epoch
  FROM public.limited_use_datakey
 WHERE line = 'account' AND holder = ANY(holders)
   AND substring(uuid_send(holder) FROM 1 FOR 8) = convert_to('LU-names', 'UTF8')
$body$;

CREATE OR REPLACE FUNCTION public.vault_read_credential(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, wrapped, kek_epoch
  FROM public.limited_use_datakey
 WHERE line = 'credential' AND holder = ANY(holders)
$body$;

CREATE OR REPLACE FUNCTION public.vault_read_own(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, wrapped, kek_epoch
  FROM public.limited_use_datakey
 WHERE line = 'own' AND holder = ANY(holders)
$body$;

CREATE OR REPLACE FUNCTION public.vault_held(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, kek_epoch
  FROM public.limited_use_datakey
 WHERE holder = ANY(holders)
$body$;

CREATE OR REPLACE FUNCTION public.vault_all()
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT holder, line, epoch, key_id, kek_epoch
  FROM public.limited_use_datakey
$body$;

-- Count the keys that have one of these tombstones. `tombstones.build_key_tombstone` makes the same hash.
CREATE OR REPLACE FUNCTION public.vault_dead(tombstones text[])
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT count(*)
  FROM public.limited_use_datakey AS k
 WHERE encode(sha256(convert_to('LU-tombstone/1', 'UTF8') || '\x00'::bytea || k.key_id), 'hex')
    IN (SELECT dead FROM unnest(tombstones) AS d(dead))
$body$;

-- Counts alone: any class of process may ask, whoever it answers.
CREATE OR REPLACE FUNCTION public.vault_tally()
RETURNS TABLE (line text, kek_epoch integer, key_count bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT line, kek_epoch, count(*)
  FROM public.limited_use_datakey
 GROUP BY line, kek_epoch
$body$;

-- The holder of a key that is wrapped under one epoch, to see whether it still unwraps.
CREATE OR REPLACE FUNCTION public.vault_sample(line text, kek_epoch integer)
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder
  FROM public.limited_use_datakey AS k
 WHERE k.line = vault_sample.line AND k.kek_epoch = vault_sample.kek_epoch
 LIMIT 1
$body$;

CREATE OR REPLACE FUNCTION public.vault_make(
    id uuid, holder uuid, line text, epoch integer, key_id bytea, wrapped bytea,
    kek_epoch integer, at timestamp with time zone
)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.limited_use_datakey
       (id, holder, line, epoch, key_id, wrapped, kek_epoch, created_at)
VALUES (vault_make.id, vault_make.holder, vault_make.line, vault_make.epoch,
        vault_make.key_id, vault_make.wrapped, vault_make.kek_epoch, vault_make.at)
RETURNING limited_use_datakey.holder
$body$;

CREATE OR REPLACE FUNCTION public.vault_raise(holder uuid, epoch integer)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.limited_use_datakey AS k
   SET epoch = vault_raise.epoch
 WHERE k.holder = vault_raise.holder AND k.epoch < vault_raise.epoch
RETURNING k.holder
$body$;

CREATE OR REPLACE FUNCTION public.vault_destroy(holder uuid)
RETURNS TABLE (line text, key_id bytea, kek_epoch integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DELETE FROM public.limited_use_datakey AS k
 WHERE k.holder = vault_destroy.holder
RETURNING k.line, k.key_id, k.kek_epoch
$body$;

CREATE OR REPLACE FUNCTION public.vault_to_rewrap(
    line text, lowest integer, below integer, most integer
)
RETURNS TABLE (id uuid, holder uuid, key_id bytea, kek_epoch integer, wrapped bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.id, k.holder, k.key_id, k.kek_epoch, k.wrapped
  FROM public.limited_use_datakey AS k
 WHERE k.line = vault_to_rewrap.line AND k.kek_epoch >= lowest AND k.kek_epoch < below
 ORDER BY k.id
 LIMIT most
$body$;

CREATE OR REPLACE FUNCTION public.vault_rewrap(ids uuid[], anew bytea[], epoch integer)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.limited_use_datakey AS k
   SET wrapped = n.wrapped, kek_epoch = vault_rewrap.epoch
  FROM unnest(ids, anew) AS n(id, wrapped)
 WHERE k.id = n.id AND k.kek_epoch < vault_rewrap.epoch
RETURNING k.id
$body$;

-- Until the caller's transaction ends, let no turn of the line begin; other makers go on. Returns
-- no row if no epoch of the line is known yet, or the one that was is over.
CREATE OR REPLACE FUNCTION public.vault_hold_line(line text)
RETURNS SETOF integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT e.number
  FROM public.limited_use_keyepoch AS e
 WHERE e.line = vault_hold_line.line AND e.destroyed_at IS NULL
 ORDER BY e.number DESC
 LIMIT 1
   FOR SHARE
$body$;

-- Until the caller's transaction ends, let nobody make a key of the line, nor turn it.
CREATE OR REPLACE FUNCTION public.vault_hold_line_alone(line text)
RETURNS SETOF integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT e.number
  FROM public.limited_use_keyepoch AS e
 WHERE e.line = vault_hold_line_alone.line AND e.destroyed_at IS NULL
 ORDER BY e.number
   FOR UPDATE
$body$;

CREATE OR REPLACE FUNCTION public.vault_began(
    ids uuid[], line text, numbers integer[], at timestamp with time zone
)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.limited_use_keyepoch (id, line, number, began_at)
SELECT n.id, vault_began.line, n.number, vault_began.at
  FROM unnest(ids, numbers) AS n(id, number)
ON CONFLICT DO NOTHING
$body$;

CREATE OR REPLACE FUNCTION public.vault_ended(
    line text, number integer, entry_id uuid, at timestamp with time zone
)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.limited_use_keyepoch AS e
   SET destroyed_at = vault_ended.at, entry_id = vault_ended.entry_id
 WHERE e.line = vault_ended.line AND e.number = vault_ended.number AND e.destroyed_at IS NULL
$body$;
