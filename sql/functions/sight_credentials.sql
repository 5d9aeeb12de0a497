-- For metrics and usherctl doctor: credentials that are good and run out within v_days, a row for each kind: key, owner, and short. Short are
-- keys and owners' credentials that were made for no longer than v_days: whoever made one knew it. Of each kind how many there are (of keys
-- and of owners' credentials the next 10,000 are looked at), when the first of them runs out (0: there is none), and which one that is.
CREATE OR REPLACE FUNCTION sight_credentials(v_days int)
RETURNS TABLE (kind text, many bigint, soonest bigint, workspace text, name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    WITH soon AS (
        (SELECT 'key' AS kind, k.workspace_id, k.id, k.name, k.created, k.expires FROM keys k
         WHERE k.revoked IS NULL AND k.expires > now() AND k.expires <= now() + make_interval(days => v_days)
         ORDER BY k.expires LIMIT 10000)
        UNION ALL
        (SELECT 'owner', o.workspace_id, o.id, o.name, o.created, o.expires FROM owners o
         WHERE o.revoked IS NULL AND o.expires > now() AND o.expires <= now() + make_interval(days => v_days)
         ORDER BY o.expires LIMIT 10000)
    ), told AS (
        SELECT CASE WHEN s.expires - s.created <= make_interval(days => v_days) THEN 'short' ELSE s.kind END AS kind, s.workspace_id,
               s.id, s.name, s.expires
        FROM soon s
    ), kinds AS (
        SELECT x.kind, x.nth, count(t.id) AS many, min(t.expires) AS soonest,
               (array_agg(t.workspace_id ORDER BY t.expires, t.id))[1] AS workspace_id, (array_agg(t.name ORDER BY t.expires, t.id))[1] AS name
        FROM unnest(ARRAY['key', 'owner', 'short']) WITH ORDINALITY AS x (kind, nth) LEFT JOIN told t ON t.kind = x.kind
        GROUP BY x.kind, x.nth
    )
    SELECT c.kind, c.many, coalesce(micros(c.soonest), 0),
           (SELECT w.name FROM workspaces w WHERE w.workspace_id = c.workspace_id ORDER BY w.generation DESC LIMIT 1), c.name
    FROM kinds c ORDER BY c.nth
$$;

ALTER FUNCTION sight_credentials OWNER TO usher_gate;
REVOKE ALL ON FUNCTION sight_credentials FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION sight_credentials TO usher_worker;
