-- Alarms (see accounts/alarms.py). The function runs with its owner's rights: a process can raise an alarm,
-- and neither set its count nor make one that is settled.

-- Add 1 to the open alarm of this kind, subject and window, or insert one. Returns how often it was raised:
-- 1 if it is new; 0 if one was settled, and it is not to be raised again (`unless_settled`).
--
-- Nobody waits: an alarm that another transaction is counting is not counted here.
CREATE OR REPLACE FUNCTION public.raise_alarm(
    id uuid, kind text, about uuid, span text, body jsonb, at timestamp with time zone,
    unless_settled boolean
)
RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
WITH same AS (
SELECT a.id, a.settled_at
  FROM public.accounts_alarm AS a
 WHERE a.kind = raise_alarm.kind AND a.about = raise_alarm.about AND a."window" = raise_alarm.span
   AND (a.settled_at IS NULL OR raise_alarm.unless_settled)
), ended AS (
SELECT FROM same AS s WHERE s.settled_at IS NOT NULL LIMIT 1
), counted AS (
UPDATE public.accounts_alarm AS a
   SET count = a.count + 1, last_at = GREATEST(a.last_at, raise_alarm.at)
 WHERE NOT EXISTS (SELECT FROM ended)
   AND a.id = (
       SELECT o.id
         FROM public.accounts_alarm AS o
        WHERE o.id IN (SELECT s.id FROM same AS s) AND o.settled_at IS NULL
          FOR UPDATE SKIP LOCKED
       )
RETURNING a.count
), inserted AS (
INSERT INTO public.accounts_alarm
       (id, kind, about, "window", body, raised_at, count, last_at, settled_reason)
SELECT raise_alarm.id, raise_alarm.kind, raise_alarm.about, raise_alarm.span, raise_alarm.body,
       raise_alarm.at, 1, raise_alarm.at, ''
 WHERE NOT EXISTS (SELECT FROM ended) AND NOT EXISTS (SELECT FROM counted)
    ON CONFLICT DO NOTHING
RETURNING 1
)
SELECT CASE WHEN EXISTS (SELECT FROM ended) THEN 0
            WHEN EXISTS (SELECT FROM inserted) THEN 1
            ELSE COALESCE((SELECT c.count FROM counted AS c), 2) END
$body$;
