-- What searches and proofs of the archive look up beside time, txn, actor, target and subject (0016_archive.sql).

-- A record by its number: of a change its seq, of a request the n of its instance.
CREATE INDEX audit_leaf_by_seq ON audit_leaf (workspace_id, seq, tree);
