-- Public keys of who signs, or has signed, the archive's heads: anybody may know them. The newest first.
CREATE OR REPLACE FUNCTION audit_public_keys() RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT public_key FROM audit_keys ORDER BY created DESC LIMIT 16
$$;

ALTER FUNCTION audit_public_keys OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_public_keys FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_public_keys TO usher_ingest;
