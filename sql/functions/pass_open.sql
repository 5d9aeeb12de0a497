-- Makes a session or a link of an owner. 'made'; 'used': the link v_link was used before, or is over; 'many': the workspace has
-- v_most links that wait to be used. Of sessions an owner has v_most at once: a further one ends the one that was seen longest
-- ago. Asked again with the same id and hash (a round trip whose answer was lost) it is the same pass; with another hash the id
-- is used: whoever signs in by a provider comes with the id that his sign-in began with, once.
--
-- What has been over for a day is forgotten here, a few at a time: whoever still has such a cookie is told so until then.
CREATE OR REPLACE FUNCTION pass_open(v_workspace uuid, v_id uuid, v_kind text, v_hash bytea, v_owner uuid, v_key uuid, v_dialect text,
    v_way text, v_source text, v_agent text, v_seconds int, v_idle int, v_most int, v_link uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_links boolean := v_kind IN ('link', 'setup-link');
    v_known bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(7007, hashtext(v_workspace::text));
    SELECT p.token_hash INTO v_known FROM passes p WHERE p.workspace_id = v_workspace AND p.id = v_id;
    IF FOUND THEN
        RETURN CASE WHEN v_known = v_hash THEN 'made' ELSE 'used' END;
    END IF;
    DELETE FROM passes p WHERE p.workspace_id = v_workspace AND p.id IN (
        SELECT x.id FROM passes x WHERE x.workspace_id = v_workspace
          AND least(x.ended, x.expires, x.seen + x.idle) < clock_timestamp() - interval '1 day' LIMIT 100);
    IF v_link IS NOT NULL THEN
        UPDATE passes p SET ended = clock_timestamp(), used_for = v_id
        WHERE p.workspace_id = v_workspace AND p.id = v_link AND p.ended IS NULL AND p.expires > clock_timestamp()
        RETURNING p.dialect INTO v_dialect;
        IF NOT FOUND THEN
            RETURN 'used';
        END IF;
    END IF;
    IF v_links THEN
        IF (SELECT count(*) FROM passes p WHERE p.workspace_id = v_workspace AND p.kind IN ('link', 'setup-link')
                AND p.ended IS NULL AND p.expires > clock_timestamp()) >= v_most THEN
            RETURN 'many';
        END IF;
    ELSE
        UPDATE passes p SET ended = clock_timestamp() WHERE p.workspace_id = v_workspace AND p.id IN (
            SELECT x.id FROM passes x WHERE x.workspace_id = v_workspace AND x.owner_id = v_owner AND x.kind = v_kind AND x.ended IS NULL
            ORDER BY x.seen DESC, x.id DESC OFFSET v_most - 1);
    END IF;
    INSERT INTO passes (workspace_id, id, kind, token_hash, owner_id, key_id, dialect, way, source, agent, expires, idle)
    VALUES (v_workspace, v_id, v_kind, v_hash, v_owner, v_key, v_dialect, v_way, v_source, v_agent,
            clock_timestamp() + make_interval(secs => v_seconds), CASE WHEN NOT v_links THEN make_interval(secs => v_idle) END);
    RETURN 'made';
END $$;

ALTER FUNCTION pass_open OWNER TO usher_gate;
REVOKE ALL ON FUNCTION pass_open FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION pass_open TO usher_ingest;
