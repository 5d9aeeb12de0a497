-- All public keys of those who sign or have signed events, the oldest first.
CREATE OR REPLACE FUNCTION signing_key_set() RETURNS TABLE (jwk text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT k.jwk::text FROM signing_keys k ORDER BY k.created, k.kid
$$;

ALTER FUNCTION signing_key_set OWNER TO usher_gate;
REVOKE ALL ON FUNCTION signing_key_set FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION signing_key_set TO usher_ingest;
