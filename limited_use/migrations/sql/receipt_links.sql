-- Find the receipt of a capability link, and its owner, by the hash of the link's token:
-- asked before the database has been told for whom (see limited_use/receipts/receipt_links.py).

CREATE OR REPLACE FUNCTION public.receipt_link(hash bytea)
RETURNS TABLE (subject uuid, owner uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT r.subject_id, r.owner_id
  FROM public.limited_use_receiptlink AS l
  JOIN public.limited_use_receipt AS r ON r.subject_id = l.subject_id
 WHERE l.token_hash = receipt_link.hash
 LIMIT 1
$body$;
