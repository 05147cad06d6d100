-- The only way to the wrapped ledger keys (see limited_use/vault/naming_rows.py).

CREATE OR REPLACE FUNCTION public.vault_name_read(holder uuid, commitment bytea)
RETURNS TABLE (wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.wrapped, k.kek_epoch
  FROM public.limited_use_wrappedledgerkey AS k
 WHERE k.holder = vault_name_read.holder AND k.commitment = vault_name_read.commitment
$body$;

CREATE OR REPLACE FUNCTION public.vault_name_make(
    id uuid, holder uuid, commitment bytea, wrapped bytea, kek_epoch integer
)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.limited_use_wrappedledgerkey (id, holder, commitment, wrapped, kek_epoch)
VALUES (vault_name_make.id, vault_name_make.holder, vault_name_make.commitment,
        vault_name_make.wrapped, vault_name_make.kek_epoch)
RETURNING limited_use_wrappedledgerkey.holder
$body$;

CREATE OR REPLACE FUNCTION public.vault_name_destroy(holder uuid)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DELETE FROM public.limited_use_wrappedledgerkey AS k
 WHERE k.holder = vault_name_destroy.holder
RETURNING k.id
$body$;

CREATE OR REPLACE FUNCTION public.vault_name_all()
RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.holder
  FROM public.limited_use_wrappedledgerkey AS k
$body$;

CREATE OR REPLACE FUNCTION public.vault_name_to_rewrap(below integer, most integer, apart uuid[])
RETURNS TABLE (id uuid, holder uuid, commitment bytea, wrapped bytea, kek_epoch integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT k.id, k.holder, k.commitment, k.wrapped, k.kek_epoch
  FROM public.limited_use_wrappedledgerkey AS k
 WHERE k.kek_epoch < below AND k.holder <> ALL (apart)
 ORDER BY k.kek_epoch, k.id
 LIMIT most
$body$;

CREATE OR REPLACE FUNCTION public.vault_name_rewrap(ids uuid[], anew bytea[], epoch integer)
RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.limited_use_wrappedledgerkey AS k
   SET wrapped = n.wrapped, kek_epoch = vault_name_rewrap.epoch
  FROM unnest(ids, anew) AS n(id, wrapped)
 WHERE k.id = n.id AND k.kek_epoch < vault_name_rewrap.epoch
RETURNING k.id
$body$;
