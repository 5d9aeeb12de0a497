-- An operator's decision about a tree. One that has stopped: numbers may be missing behind its newest leaf; the archive takes what was put
-- aside. One that is not signed any more: from now on its heads are of another origin, so that nobody is told that they follow those of
-- before. False: there is nothing to decide.
CREATE OR REPLACE FUNCTION audit_resume(v_workspace uuid, v_tree smallint, v_why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_row tid;
    v_refused boolean;
BEGIN
    SELECT t.ctid, t.refused IS NOT NULL INTO v_row, v_refused FROM audit_tree t
    WHERE t.workspace_id = v_workspace AND t.tree = v_tree AND (t.stopped IS NOT NULL OR t.refused IS NOT NULL)
    ORDER BY t.generation DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE audit_tree t SET
        resumes = CASE WHEN t.stopped IS NOT NULL THEN v_why END, resume_seq = CASE WHEN t.stopped IS NOT NULL THEN coalesce(t.seq, 0) END,
        refused = NULL, refused_at = NULL, origin = t.origin + v_refused::int,
        signed_size = CASE WHEN v_refused THEN 0 ELSE t.signed_size END, signed_at = CASE WHEN v_refused THEN NULL ELSE t.signed_at END
    WHERE t.ctid = v_row;
    IF v_refused THEN
        INSERT INTO audit_due (workspace_id, tree, partition)
        SELECT t.workspace_id, t.tree, t.partition FROM audit_tree t WHERE t.workspace_id = v_workspace AND t.tree = v_tree
        ORDER BY t.generation DESC LIMIT 1
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN true;
END $$;

ALTER FUNCTION audit_resume OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_resume FROM PUBLIC, usher_ingest, usher_worker;
