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

-- Count a request towards several rates in one statement, and a client's request in its hour as well.
-- Returns each key with its count and the end of its window, in the order of the keys, and the
-- client's requests in this hour (null if none was counted).
--
-- If one of the rates is used up, the request counts towards none of them: a client that goes on
-- uses up nothing that it shares with others. The rows are locked in the order of their keys, the
-- hour's last, so that concurrent requests do not wait for each other in a circle.
CREATE OR REPLACE FUNCTION public.count_rates(
    keys bytea[], limits integer[], seconds integer[], at timestamp with time zone, client uuid
)
RETURNS TABLE (counted integer, ends_at timestamp with time zone, hour_count integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
WITH wanted AS (
SELECT w.place, count_rates.keys[w.place] AS key, count_rates.limits[w.place] AS most,
       COALESCE(c.count, 0) AS count,
       COALESCE(
           c.expires_at, count_rates.at + make_interval(secs => count_rates.seconds[w.place])
       ) AS expires_at
  -- Not `unnest`: its estimate depends on the values, so PostgreSQL would plan each call.
  FROM generate_subscripts(count_rates.keys, 1) AS w (place)
  LEFT JOIN LATERAL (
       SELECT r.count, r.expires_at
         FROM public.accounts_ratecount AS r
        WHERE r.key_hash = count_rates.keys[w.place] AND r.expires_at > count_rates.at
        -- For a look-up by key: a plan made while the table is small would read all rows.
        LIMIT 1
       ) AS c ON true
), counted AS (
INSERT INTO public.accounts_ratecount AS c (key_hash, count, expires_at)
SELECT w.key, 1, w.expires_at
  FROM wanted AS w
 WHERE NOT EXISTS (SELECT FROM wanted AS u WHERE u.count >= u.most)
 ORDER BY w.key
    ON CONFLICT (key_hash) DO UPDATE
   SET count = CASE WHEN c.expires_at > count_rates.at THEN c.count + 1 ELSE 1 END,
       expires_at = CASE WHEN c.expires_at > count_rates.at
                         THEN c.expires_at ELSE excluded.expires_at END
RETURNING c.key_hash, c.count, c.expires_at
), hour AS (
INSERT INTO public.accounts_clienthour AS h (id, client_id, hour_at, request_count)
SELECT gen_random_uuid(), count_rates.client, date_trunc('hour', count_rates.at, 'UTC'), 1
  FROM wanted AS w
  JOIN counted AS c ON c.key_hash = w.key
 WHERE (SELECT count_rates.client IS NOT NULL)
HAVING bool_and(c.count <= w.most)
    ON CONFLICT (client_id, hour_at) DO UPDATE
   SET request_count = h.request_count + 1
RETURNING h.request_count
)
SELECT CASE WHEN c.key_hash IS NOT NULL THEN LEAST(c.count, w.most + 1)
            ELSE LEAST(w.count, w.most) + (w.count >= w.most)::integer END,
       COALESCE(c.expires_at, w.expires_at),
       (SELECT h.request_count FROM hour AS h)
  FROM wanted AS w
  LEFT JOIN counted AS c ON c.key_hash = w.key
 ORDER BY w.place
$body$;

-- Take back one count of the current window.
CREATE OR REPLACE FUNCTION public.give_back_rate(key bytea, at timestamp with time zone)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
UPDATE public.accounts_ratecount AS c
   SET count = c.count - 1
 WHERE c.key_hash = give_back_rate.key AND c.expires_at > give_back_rate.at AND c.count > 0
$body$;
