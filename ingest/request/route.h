/* From method and path to the row of a table, which says what is done there, in which form, and who may. The
 * table stands in http/routes.c. Here is the type of its rows, and the search for the row of a request. */
#ifndef USHER_INGEST_REQUEST_ROUTE_H
#define USHER_INGEST_REQUEST_ROUTE_H

#include "ingest/request/form.h"
#include "ingest/request/handler.h"
#include "ops/runtime/arena.h"
#include "schemas/types/schema.h"

#include <stddef.h>

enum http_method {
    HTTP_GET, /* also HEAD: HTTP answers it like GET */
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* of a request: any other method */
    HTTP_ANY,   /* of a row: all methods that no other row of the path has */
};

/* The credential that a client needs before it is told what stands at the path. */
enum route_access {
    ACCESS_PUBLIC,        /* none; answered at once, without a record */
    ACCESS_ANYBODY,       /* none */
    ACCESS_KEY,           /* an API key, for any use */
    ACCESS_SCIM,          /* an API key, for SCIM */
    ACCESS_API,           /* an API key, for the Management API */
    ACCESS_ADMINISTRATOR, /* an owner's or administrator's credential */
    ACCESS_OWNER,         /* an owner's credential */
    ACCESS_SIGN_IN,       /* what the handler reads: an owner's credential, or a link */
    ACCESS_SESSION,       /* a session of the portal, of an owner or of a set-up */
    ACCESS_SETUP,         /* a session of a set-up */
};

enum route_about { ABOUT_NONE, ABOUT_USERS, ABOUT_ROOMS };

struct route_row {
    enum http_method method;
    /* "/api/v1/rooms/{room}/members/{user}". Rows of one path stand together. If a request fits two paths,
     * the first one counts. {type}     the endpoint of a type of resource, which becomes route.rt {version}
     * v and a number {…}        any text (…)        at the front: may be there or not; its {…} is a workspace
     *   /          at the end: may be there or not
     *   *          at the end: whatever follows, or nothing. Such a row answers for all paths below it that
     * are not in the table, and for OPTIONS of those that are */
    const char *path;
    const struct handler *handler;
    const struct form *form;
    enum route_access access;
    /* A key needs one of these; if the path is about a type, one of those for the type. 0: any key, or the
     * handler checks. */
    unsigned scopes;
    enum route_about about; /* the type, if the path does not contain it */
    enum http_method acts;  /* the method of SCIM that does the same */
    const char *patch;      /* a PatchOp that stands for the body */
    bool loose;             /* names in any letter case, and with percent escapes, except the first two */
    bool by_txn;            /* Idempotency-Key counts, and the answer has the header Usher-Txn */
    enum err_code code;     /* not ERR_OK: the answer, once the client is admitted */
};

struct route_table {
    const struct route_row *rows;
    size_t n;
};

struct route {
    const struct route_row *row;   /* not NULL once the request line was read */
    const struct route_row *place; /* the first row of its path, whatever the method; NULL: no such path */
    enum http_method method;       /* `acts` of the row, if it has the method */
    enum err_code code;            /* not ERR_OK: the answer, once the client is admitted */
    const char *allow;             /* the methods of the path, as the Allow header lists them */
    const struct resource_type *rt;
    const char *segment;     /* the first {…}, decoded: id, type name, schema URN; NULL if none … */
    const char *second;      /* … and the second */
    const char *room, *user; /* ids that the path names, in lower case; NULL if none */
    const char *workspace;   /* decoded, id or name; NULL if none */
    const char *prefix;      /* as the client wrote it, without a slash at the end: "/w/acme/scim/v2" */
};

/* path[0..len) is raw and has passed the guard. Texts live in the arena. */
void route_parse(const struct route_table *t, const char *method, const char *path, size_t len,
                 struct arena *a, struct route *out);
/* For a request target that cannot be read: finds only the row that gives the answer its form. target may be
 * NULL. */
void route_unreadable(const struct route_table *t, const char *target, struct route *out);

/* The scopes (enum scope) of which a key must have one; 0 = none. */
unsigned route_scopes(const struct route *r);
/* ERR_INSUFFICIENT_SCOPE, with their names, unless `scopes` contains one of them. */
enum err_code route_permit(const struct route *r, unsigned scopes, struct arena *a, struct err *err);
/* All scopes for resources of a type. Types that an operator has added use the scopes of users. */
unsigned route_type_scopes(const struct resource_type *rt);
/* The names of the scopes, with blanks between them; NULL for none. */
const char *route_scope_names(unsigned scopes, struct arena *a);

#endif
