-- Publishes the public key of who signs the archive's heads. A key that is there already stays as it is.
CREATE OR REPLACE FUNCTION audit_key_register(v_key bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    INSERT INTO audit_keys (public_key) VALUES (v_key) ON CONFLICT DO NOTHING
$$;

ALTER FUNCTION audit_key_register OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_key_register FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_key_register TO usher_worker;
