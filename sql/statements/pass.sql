-- Passes: sessions of the portal and links into it (sql/ask/pass.h).

-- name: open
-- Makes a session or a link (functions/pass_open.sql).
-- $1 uuid: workspace
-- $2 uuid: id of the new pass
-- $3 text: its kind
-- $4 text: SHA-256 of its token, in hex
-- $5 uuid: owner
-- $6 uuid: key; NULL: of no key
-- $7 text: dialect; NULL: none
-- $8 text: how it was come by
-- $9 text: source address; NULL: not known
-- $10 text: user agent; NULL: not known
-- $11 integer: seconds that it is good for
-- $12 integer: seconds after which it is over when nobody uses it
-- $13 integer: so many there may be at once
-- $14 uuid: the link that is used for it; NULL: none
SELECT pass_open($1::uuid, $2::uuid, $3, decode($4::text, 'hex'), $5::uuid, $6::uuid, $7, $8, $9, $10, $11::int, $12::int, $13::int, $14::uuid);

-- name: end
-- Ends passes (functions/pass_end.sql).
-- $1 uuid: workspace
-- $2 uuid: the pass; NULL: all of the owner
-- $3 uuid: owner; NULL: any
-- $4 uuid: a pass that stays; NULL: none
SELECT pass_end($1::uuid, $2::uuid, $3::uuid, $4::uuid);
