-- Show staff how far a bulk revocation got (see integrations/support/bulk_receipts.py). Each
-- function runs with its owner's rights: rows of acts and purges, which also name people, stay
-- hidden. The caller is the person of the transaction, and has to be of support or an operator.

-- List the receipts of one bulk revocation in the order of their ids, beyond one of them.
CREATE OR REPLACE FUNCTION public.list_bulk_receipts(bulk uuid, beyond uuid, at_most integer)
RETURNS TABLE (receipt uuid, product text, written_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT j.receipt_id, i.product::text, j.done_at
  FROM public.integrations_supportact AS a
  JOIN public.integrations_purgejob AS j ON j.support_act_id = a.id
  JOIN public.integrations_integration AS i ON i.id = j.integration_id
 WHERE a.bulk_id = list_bulk_receipts.bulk
   AND j.receipt_id > list_bulk_receipts.beyond
   AND EXISTS (
       SELECT FROM public.accounts_user AS u
        WHERE u.id = nullif(current_setting('antares.person', true), '')::uuid
          AND u.role IN ('support', 'operator') AND u.is_active
       )
 ORDER BY j.receipt_id
 LIMIT least(list_bulk_receipts.at_most, 1000)
$body$;

-- Count the purges that one bulk revocation began, and their receipts.
CREATE OR REPLACE FUNCTION public.count_bulk_purges(bulk uuid)
RETURNS TABLE (purges bigint, receipts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT count(*), count(j.receipt_id)
  FROM public.integrations_supportact AS a
  JOIN public.integrations_purgejob AS j ON j.support_act_id = a.id
 WHERE a.bulk_id = count_bulk_purges.bulk
   AND EXISTS (
       SELECT FROM public.accounts_user AS u
        WHERE u.id = nullif(current_setting('antares.person', true), '')::uuid
          AND u.role IN ('support', 'operator') AND u.is_active
       )
$body$;

-- Name the members of staff who proposed, decided and stopped it.
CREATE OR REPLACE FUNCTION public.find_bulk_staff(bulk uuid)
RETURNS TABLE (person uuid, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
SELECT p.id, p.name::text
  FROM public.integrations_bulkrevocation AS b
  JOIN public.accounts_user AS p ON p.id IN (b.agent_id, b.decided_by, b.stopped_by)
 WHERE b.id = find_bulk_staff.bulk
   AND p.role IN ('support', 'operator')
   AND EXISTS (
       SELECT FROM public.accounts_user AS u
        WHERE u.id = nullif(current_setting('antares.person', true), '')::uuid
          AND u.role IN ('support', 'operator') AND u.is_active
       )
$body$;
