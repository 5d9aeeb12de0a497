-- The workspaces that a connection may see are a text, and the policies made an array of uuid out of it for each row: the sub-select
-- gave the text, and the cast stood outside. It stands inside now, so that it is done once for a statement. (The second cast is none:
-- it tells = ANY that this is one array, and not rows of it.) What the policies allow stays the same.
--
-- A third of what a read of a resource cost PostgreSQL went there: each room and each membership that it shows has such a policy.
DO $$
DECLARE
    t regclass;
    seen text := $q$ANY ((SELECT nullif(current_setting('usher.workspace', true), '')::uuid[])::uuid[])$q$;
    here text := 'FROM slices s WHERE s.workspace_id = ' || seen;
    room text := 'ARRAY(SELECT s.hidden_room ' || here || ' AND s.hidden_room IS NOT NULL)';
    member text := 'ARRAY(SELECT s.hidden_user ' || here || ' AND s.hidden_user IS NOT NULL)';
BEGIN
    FOR t IN SELECT p.polrelid::regclass FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
             WHERE p.polname = 'tenant' AND c.relnamespace = 'usher'::regnamespace ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER POLICY tenant ON %s USING ((workspace_id = %s) IS TRUE) WITH CHECK ((workspace_id = %2$s) IS TRUE)', t, seen);
    END LOOP;
    EXECUTE format('ALTER POLICY shown ON rooms USING (id <> ALL (%s))', room);
    EXECUTE format('ALTER POLICY shown ON users USING (id <> ALL (ARRAY(SELECT s.hidden_user %s AND s.user_gone)))', here);
    EXECUTE format('ALTER POLICY shown ON members USING (room_id <> ALL (%s) AND user_id <> ALL (%s))', room, member);
END $$;
