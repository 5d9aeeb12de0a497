-- Publishes the public key of who signs events. A key that is there already stays as it is.
CREATE OR REPLACE FUNCTION signing_key_register(v_kid text, v_jwk text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    INSERT INTO signing_keys (kid, jwk) VALUES (v_kid, v_jwk::json) ON CONFLICT DO NOTHING
$$;

ALTER FUNCTION signing_key_register OWNER TO usher_gate;
REVOKE ALL ON FUNCTION signing_key_register FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION signing_key_register TO usher_ingest, usher_worker;
