-- How people sign in to the portal of a workspace by an OpenID provider (schemas/api/sign_in.h): doc has issuer, clientId and people, the list of
-- those who are let in; secret is the client's, sealed with the service's own. Written by commands alone. No row: nobody signs in so.
CREATE TABLE sign_in (
    workspace_id uuid PRIMARY KEY REFERENCES workspace_ids,
    doc          json NOT NULL,
    secret       text -- NULL: a public client
);

ALTER TABLE sign_in OWNER TO usher_owner;
ALTER TABLE sign_in ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sign_in TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
CREATE POLICY gate ON sign_in TO usher_gate USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in TO usher_worker;
GRANT SELECT (workspace_id, doc) ON sign_in TO usher_ingest;
GRANT SELECT ON sign_in TO usher_gate;
