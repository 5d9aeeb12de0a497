/* Resources as documents. A *document* (doc) is the normalised JSON object that is stored: "schemas" first,
 * attributes in the schema's spelling and of the right types, no nulls, no empty arrays or objects, no
 * readOnly attribute, no id, no meta, no password, no members. Room members never are part of a document:
 * they are rows (promise 6: ops/DESIGN.md, "Promises") and travel apart, as ids. */
#ifndef USHER_SCHEMAS_RESOURCE_RESOURCE_H
#define USHER_SCHEMAS_RESOURCE_RESOURCE_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Validates a POST or PUT body and normalises it (rules C1, C2, C5, S1-S8, dialect rows Q09, Q20-Q29): types
 * coerced where ops/DESIGN.md, "Decided points" says so, nulls and readOnly dropped, unknown attributes
 * refused or ignored as the rules say, required ones demanded, "primary" checked. *doc: new reference.
 * *members (rooms): a new array of distinct lower-case member ids, or NULL where the body has no `members`
 * (not asserted). A PUT body's `id`, if any, is ignored. *cleared (may be NULL, for a POST): a new array of
 * the paths of attributes that would stay as they are if a PUT left them out, and that the body names without
 * a value (null, [] or
 * ""); NULL where there are none. */
enum err_code resource_normalise(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                                 json_t **doc, json_t **members, json_t **cleared, struct err *err);

/* PUT: what the stored document becomes when `given` (normalised) replaces `old` (rules C5, C6: active,
 * externalId, the role extension and whatever a client cannot read back keep when omitted, unless cleared
 * (from resource_normalise; may be NULL) names them; immutable must match: ERR_MUTABILITY). *out: new
 * reference. */
enum err_code resource_replace(const struct resource_type *rt, const json_t *old, const json_t *given,
                               const json_t *cleared, json_t **out, struct err *err);

/* For a create: adds the defaults of the schema (`active` is true), so that answers and filters show them.
 * Not for a PUT, which leaves unchanged what it does not name. */
void resource_default(const struct resource_type *rt, json_t *doc);

/* Re-derives "schemas" from the extensions in use (S7) and drops what became empty; call after changing a
 * document. */
void resource_tidy(const struct resource_type *rt, json_t *doc);

/* One change of the audit stream. */
struct resource_change {
    char *path;        /* "name.familyName", "urn:…:department", "emails" */
    const char *op;    /* "add", "remove", "replace" */
    json_t *from, *to; /* they live as long as documents and arena; NULL = none, or not to be told: secret
                          attributes (attr_is_secret), which also are left out of complex values */
};
/* The differences between two documents, attribute by attribute: multi-valued and complex ones as a whole,
 * extensions per attribute. Rows live in the arena and borrow from the documents. No rows: nothing changed
 * (P8). before is NULL for a create. */
size_t resource_diff(const struct resource_type *rt, const json_t *before, const json_t *after,
                     struct arena *a, struct resource_change **rows);

/* A new reference: the document without what no reader may see (attr_is_secret); for events. */
json_t *resource_public(const struct resource_type *rt, const json_t *doc);

/* Well-known values of a document; borrowed; NULL where absent. */
const char *resource_string(const json_t *doc, const char *name); /* top-level string attribute */
bool resource_active(const json_t *doc);                          /* absent = true */
/* The main e-mail: primary, else first, else a mail-shaped userName, else NULL (Q27). Borrowed. */
const char *resource_email(const json_t *doc);
/* True if there is one '@' with text on both sides and no space: enough to tell a name from an address. NULL
 * is no address. */
bool is_mail_shaped(const char *s);

/* The searchable form, as JSON text for a jsonb column: same shape as the document but member names
 * lower-cased, strings folded where the attribute is not caseExact, dateTimes as integer microseconds (UTC),
 * booleans and numbers as they are; without secrets (attr_is_secret), which no
 * filter may ask for. malloc'ed. */
char *resource_search_text(const struct resource_type *rt, const json_t *doc);

/* A stored resource as the read side gets it; texts borrowed. */
struct resource_row {
    const char *id;
    const char *doc; /* compact JSON text of the document */
    int64_t version;
    int64_t created_us, modified_us;
    bool managed, seat; /* of a user: the identity provider's; has a seat. Only reads know */
    const char *refs;   /* JSON array text: a user's groups or a room's members; NULL = not loaded */
};

/* Which attributes an answer shows (rules J1-J3). */
struct projection;
/* attributes and excluded: comma-separated lists or NULL; both at once: ERR_INVALID_VALUE. Unknown names are
 * ignored. Lives in the arena. *out is NULL where neither is given: the default representation. */
enum err_code projection_parse(const struct resource_type *rt, const char *attributes, const char *excluded,
                               struct arena *a, const struct projection **out, struct err *err);
/* What the answer to a write shows: p, and what is returned on request and named by the document (POST, PUT)
 * or the normalised operations (PATCH); either may be NULL (RFC 7643 section 7, "request"). `attributes` has
 * the last word. Lives in the arena; p itself where there is nothing to add. */
const struct projection *projection_of_write(const struct resource_type *rt, const struct projection *p,
                                             const json_t *doc, const json_t *ops, struct arena *a);
/* How much of groups (users) or members (rooms) an answer shows: the read side loads no more (J4). */
enum refs_wanted {
    REFS_NONE,
    REFS_IDS,   /* without their names */
    REFS_NAMED, /* with `display` */
};
enum refs_wanted projection_refs(const struct resource_type *rt, const struct projection *p);

/* Writes the full SCIM representation (id, document, groups or members, meta with resourceType, created,
 * lastModified, location, version) to out. base: absolute URL without trailing slash, e.g.
 * "http://127.0.0.1:8080/scim/v2". Without projection the text of a document that has only usher's own
 * schemas is spliced, not parsed. What the tables do not know is not shown. */
void resource_render(const struct resource_type *rt, const struct resource_row *row,
                     const struct projection *p, const char *base, struct jbuf *out);
/* ETag of a version: W/"<version>"; out has 32 bytes. */
char *resource_etag(int64_t version, char out[32]);
/* A hash of the groups that an answer shows. A user's groups change without a new version of the user, so the
 * answer's tag names them: W/"<version>.<8 hex digits>". Without that, a client with other groups would be
 * told "not modified". 0: the answer shows no groups. */
uint32_t resource_refs_tag(const struct resource_type *rt, const struct resource_row *row);
/* The tag of that answer: its ETag and its meta.version. */
char *resource_row_etag(const struct resource_type *rt, const struct resource_row *row, char out[32]);

#endif
