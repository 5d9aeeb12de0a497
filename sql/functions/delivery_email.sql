-- The address of a user by his document: the primary one, else the first one, else a userName that is one. NULL: he has none.
CREATE OR REPLACE FUNCTION delivery_email(v_doc json) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = usher, pg_temp AS $$
    SELECT coalesce(
        (SELECT e.v->>'value'
         FROM json_array_elements(CASE WHEN json_typeof(v_doc->'emails') = 'array' THEN v_doc->'emails' ELSE '[]' END)
              WITH ORDINALITY AS e (v, n)
         WHERE e.v->>'value' <> '' ORDER BY (e.v->>'primary' = 'true') IS NOT TRUE, e.n LIMIT 1),
        CASE WHEN v_doc->>'userName' LIKE '%_@_%' THEN v_doc->>'userName' END)
$$;

ALTER FUNCTION delivery_email OWNER TO usher_owner;
