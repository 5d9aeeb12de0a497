/* Method and path -> the row of a table: what is done there, in which form, and who may. The table of all
 * that usher serves stands in http/routes.c; this is the type of its rows, and how a request finds its own.
 */
#ifndef USHER_INGEST_REQUEST_ROUTE_H
#define USHER_INGEST_REQUEST_ROUTE_H

#include "ingest/request/form.h"
#include "ingest/request/handler.h"
#include "ops/runtime/arena.h"
#include "schemas/types/schema.h"

#include <stddef.h>

enum http_method {
    HTTP_GET, /* and HEAD: rule of HTTP */
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* of a request: none of these */
    HTTP_ANY,   /* of a row: all that no row before it names */
};

/* What a caller needs to be told what stands there. */
enum route_access {
    ACCESS_PUBLIC,        /* nothing; answered at once, without audit */
    ACCESS_ANYBODY,       /* nothing */
    ACCESS_KEY,           /* an API key, */
    ACCESS_SCIM,          /* … which speaks SCIM, */
    ACCESS_API,           /* … or the Management API */
    ACCESS_ADMINISTRATOR, /* an owner's or administrator's credential */
    ACCESS_OWNER,         /* an owner's */
};

enum route_about { ABOUT_NONE, ABOUT_USERS, ABOUT_ROOMS };

struct route_row {
    enum http_method method;
    /* "/api/v1/rooms/{room}/members/{user}". Rows of one path stand together. Of two paths that a request
     * fits the first one counts. {type}     the endpoint of a type of resource, which becomes route.rt
     *   {version}  v and a number
     *   {…}        any text
     *   (…)        at the front: may be there or not; its {…} is a workspace
     *   /          at the end: may be there or not
     *   *          at the end: whatever follows, or nothing. Such a row says what is told of paths that are
     * not in the table, and answers OPTIONS for those that are */
    const char *path;
    const struct handler *handler;
    const struct form *form;
    enum route_access access;
    unsigned scopes; /* of a key, any one of them will do; where the path names a type, of those that are
                        for the type. 0 = any key, or it depends on more than the route */
    enum route_about about; /* the type that it is about, where the path does not name it */
    enum http_method acts;  /* like this method of SCIM does there */
    const char *patch;      /* a PatchOp, instead of a body */
    bool escaped;           /* names may stand there with percent escapes, behind the first two */
    bool by_txn;            /* Idempotency-Key counts, and the answer says the txn */
    enum err_code code;     /* what the answer is once the caller is known, instead of what a handler does */
};

struct route_table {
    const struct route_row *rows;
    size_t n;
};

struct route {
    const struct route_row *row;   /* never NULL once the request line was read */
    const struct route_row *place; /* the first row of its path, whatever the method; NULL: no such path */
    enum http_method method;       /* as the row acts */
    enum err_code code;            /* ERR_OK, or what the answer is once the caller is known */
    const char *allow;             /* the methods that are allowed here, as the Allow header says it */
    const struct resource_type *rt;
    const char *segment;   /* the first {…}, decoded: id, type name, schema URN; NULL if none … */
    const char *second;    /* … and the second */
    const char *workspace; /* decoded, id or name; NULL if none */
    const char *prefix;    /* of the form, as sent, without trailing slash: "/w/acme/scim/v2" */
};

/* path[0..len) is raw and has passed the guard. Texts live in the arena. */
void route_parse(const struct route_table *t, const char *method, const char *path, size_t len,
                 struct arena *a, struct route *out);
/* The same for a request target that cannot be read: only whose form the answer has. target may be NULL. */
void route_unreadable(const struct route_table *t, const char *target, struct route *out);

/* The scopes (enum scope) of which a key must have one; 0 = none. */
unsigned route_scopes(const struct route *r);
/* Has the key one of them? Else ERR_INSUFFICIENT_SCOPE, which names them. */
enum err_code route_permit(const struct route *r, unsigned scopes, struct arena *a, struct err *err);
/* All scopes for resources of a type. Those of an operator's own types go with users. */
unsigned route_type_scopes(const struct resource_type *rt);
/* Names of scopes with blanks between them; NULL for none. */
const char *route_scope_names(unsigned scopes, struct arena *a);

#endif
