-- The functions of data_keys.sql that processes of staff execute: for the keys of what owners opened
-- to support, and no others (see limited_use/vault/sql_functions.py). They ask `key_holders_opened`,
-- which the app above creates later.

SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.vault_opened_read_content(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.wrapped, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.line = 'content' AND k.holder = ANY(holders)
   AND k.holder IN (SELECT public.key_holders_opened(holders))
$body$;

CREATE OR REPLACE FUNCTION public.vault_opened_read_own(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.wrapped, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.line = 'own' AND k.holder = ANY(holders)
   AND k.holder IN (SELECT public.key_holders_opened(holders))
$body$;

CREATE OR REPLACE FUNCTION public.vault_opened_held(holders uuid[])
RETURNS TABLE (holder uuid, line text, epoch integer, key_id bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder, k.line, k.epoch, k.key_id, k.kek_epoch
  FROM public.limited_use_datakey AS k
 WHERE k.holder = ANY(holders)
   AND k.holder IN (SELECT public.key_holders_opened(holders))
$body$;
