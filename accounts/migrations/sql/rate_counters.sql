-- Rate counters (see accounts/rate_limit_counters.py). Each function runs with its owner's rights, so that a web
-- process can count but neither read, list nor reset counters; `manage.py database_walls` sets owner
-- and grants.

-- Count once, and return the count within the current window and the end of that window. A count
-- beyond the limit is kept as the limit and one.
CREATE OR REPLACE FUNCTION public.count_rate(
    key bytea, most integer, seconds integer, at timestamp with time zone
)
RETURNS TABLE (counted integer, ends_at timestamp with time zone)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
INSERT INTO public.accounts_ratecount AS c (key_hash, count, expires_at)
VALUES (count_rate.key, 1, count_rate.at + make_interval(secs => count_rate.seconds))
    ON CONFLICT (key_hash) DO UPDATE
   SET count = CASE WHEN c.expires_at > count_rate.at
                    THEN LEAST(c.count + 1, count_rate.most + 1) ELSE 1 END,
       expires_at = CASE WHEN c.expires_at > count_rate.at
                         THEN c.expires_at ELSE excluded.expires_at END
RETURNING c.count, c.expires_at
$body$;

-- Take back one count of the current window.
CREATE OR REPLACE FUNCTION public.give_back_rate(key bytea, at timestamp with time zone)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.accounts_ratecount AS c
   SET count = c.count - 1
 WHERE c.key_hash = give_back_rate.key AND c.expires_at > give_back_rate.at AND c.count > 0
$body$;
