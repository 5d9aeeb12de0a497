/* Discovery documents. /Schemas and /ResourceTypes come from the tables. ServiceProviderConfig comes from the
 * rows below, which say what the service can do. */
#include "schemas/types/discovery.h"

#include "ops/runtime/jbuf.h"
#include "schemas/types/schema_names.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SCHEMA_CONFIG "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
#define SCHEMA_RESOURCE_TYPE "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
#define SCHEMA_SCHEMA "urn:ietf:params:scim:schemas:core:2.0:Schema"

struct feature_limit {
    const char *name; /* NULL: none */
    int value;
};

struct feature {
    const char *name;
    bool supported;
    struct feature_limit limits[2]; /* required members (RFC 7643 section 5), also where the feature is off */
};

static const struct feature features[] = {
    {"patch", true, {{0}}},
    {"bulk", true, {{"maxOperations", BULK_MAX_OPERATIONS}, {"maxPayloadSize", BULK_MAX_BYTES}}},
    {"filter", true, {{"maxResults", PAGE_MAX}}},
    {"changePassword", false, {{0}}}, /* passwords are not kept */
    {"sort", true, {{0}}},
    {"etag", true, {{0}}},
};
static const bool cursors = true; /* pages by cursor, beside those by index (RFC 9865) */

/* What usher.events may carry (rule D4). */
static const char *const event_uris[] = {"urn:ietf:params:scim:event:prov:create:notice",
                                         "urn:ietf:params:scim:event:prov:create:full",
                                         "urn:ietf:params:scim:event:prov:put:notice",
                                         "urn:ietf:params:scim:event:prov:put:full",
                                         "urn:ietf:params:scim:event:prov:patch:notice",
                                         "urn:ietf:params:scim:event:prov:patch:full",
                                         "urn:ietf:params:scim:event:prov:delete",
                                         "urn:ietf:params:scim:event:prov:activate",
                                         "urn:ietf:params:scim:event:prov:deactivate",
                                         "urn:ietf:params:scim:event:misc:asyncresp",
                                         NULL};

struct scheme {
    const char *type, *name, *description, *spec;
};

/* The first one is the primary one. */
static const struct scheme schemes[] = {
    {"oauthbearertoken", "Bearer token",
     "An API key of the workspace, sent as a bearer token in the Authorization header.",
     "https://www.rfc-editor.org/info/rfc6750"},
    {"oauth2", "OAuth 2.0 client credentials",
     "Access tokens from /oauth2/token on this host (RFC 6749 section 4.4): client_id is an API key's id. The "
     "client signs with a key of its own (private_key_jwt, RFC 7523), or client_secret is the API key's token.",
     "https://www.rfc-editor.org/info/rfc6749"},
};

static void put_schemas(struct jbuf *out, const char *urn) {
    jb_key(out, "schemas");
    jb_raw(out, "[");
    jb_str(out, urn);
    jb_raw(out, "]");
}

/* name is NULL for a document that stands alone. */
static void discovery_meta(struct jbuf *out, const char *type, const char *base, const char *endpoint,
                           const char *name) {
    struct jbuf location = {0};
    jb_printf(&location, "%s/%s%s%s", base, endpoint, name != NULL ? "/" : "", name != NULL ? name : "");
    jb_key(out, "meta");
    jb_raw(out, "{");
    jb_kstr(out, "resourceType", type);
    jb_kstr(out, "location", location.p);
    jb_raw(out, "}");
    jb_free(&location);
}

/* Opens a list of `total` resources, all of them on one page; the caller writes them and closes with "]}". */
static void open_list(struct jbuf *out, int64_t total) {
    jb_raw(out, "{");
    put_schemas(out, MESSAGE_LIST);
    jb_kint(out, "totalResults", total);
    jb_kint(out, "startIndex", 1);
    jb_kint(out, "itemsPerPage", total);
    jb_key(out, "Resources");
    jb_raw(out, "[");
}

static void put_texts(struct jbuf *out, const char *name, const char *const *texts) {
    if (texts == NULL)
        return;
    jb_key(out, name);
    jb_raw(out, "[");
    for (; *texts != NULL; texts++) {
        jb_sep(out);
        jb_str(out, *texts);
    }
    jb_raw(out, "]");
}

static void put_features(struct jbuf *out) {
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        const struct feature *f = &features[i];
        jb_key(out, f->name);
        jb_raw(out, "{");
        jb_kbool(out, "supported", f->supported);
        for (size_t k = 0; k < 2 && f->limits[k].name != NULL; k++)
            jb_kint(out, f->limits[k].name, f->limits[k].value);
        jb_raw(out, "}");
    }
}

/* D3. A client that asks for no way of paging gets pages by index, as before there were cursors (G8). */
static void put_pagination(struct jbuf *out, int cursor_seconds) {
    jb_key(out, "pagination");
    jb_raw(out, "{");
    jb_kbool(out, "cursor", cursors);
    jb_kbool(out, "index", true);
    jb_kstr(out, "defaultPaginationMethod", "index");
    jb_kint(out, "defaultPageSize", PAGE_DEFAULT);
    jb_kint(out, "maxPageSize", PAGE_MAX);
    jb_kint(out, "cursorTimeout", cursor_seconds);
    jb_raw(out, "}");
}

/* D4: asynchronous when the client asks for it, and only then. */
static void put_events(struct jbuf *out) {
    jb_key(out, "securityEvents");
    jb_raw(out, "{");
    jb_kstr(out, "asyncRequest", "request");
    put_texts(out, "eventUris", event_uris);
    jb_raw(out, "}");
}

static void put_authentication(struct jbuf *out) {
    jb_key(out, "authenticationSchemes");
    jb_raw(out, "[");
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        jb_sep(out);
        jb_raw(out, "{");
        jb_kstr(out, "type", schemes[i].type);
        jb_kstr(out, "name", schemes[i].name);
        jb_kstr(out, "description", schemes[i].description);
        jb_kstr(out, "specUri", schemes[i].spec);
        jb_kbool(out, "primary", i == 0);
        jb_raw(out, "}");
    }
    jb_raw(out, "]");
}

char *discovery_config(const struct discovery *d) {
    struct jbuf out = {0};
    jb_raw(&out, "{");
    put_schemas(&out, SCHEMA_CONFIG);
    put_features(&out);
    put_pagination(&out, d->cursor_seconds);
    if (d->events)
        put_events(&out);
    if (d->interop)
        jb_kbool(&out, "interopProfileConformant", true);
    put_authentication(&out);
    discovery_meta(&out, "ServiceProviderConfig", d->base, "ServiceProviderConfig", NULL);
    jb_raw(&out, "}");
    return jb_take(&out);
}

static void put_resource_type(struct jbuf *out, const char *base, const struct resource_type *rt) {
    jb_sep(out);
    jb_raw(out, "{");
    put_schemas(out, SCHEMA_RESOURCE_TYPE);
    jb_kstr(out, "id", rt->name);
    jb_kstr(out, "name", rt->name);
    jb_kstr(out, "description", rt->description);
    jb_kstr(out, "endpoint", rt->endpoint);
    jb_kstr(out, "schema", rt->schema->id);
    if (rt->nextensions > 0) {
        jb_key(out, "schemaExtensions");
        jb_raw(out, "[");
        for (size_t i = 0; i < rt->nextensions; i++) {
            jb_sep(out);
            jb_raw(out, "{");
            jb_kstr(out, "schema", rt->extensions[i].schema->id);
            jb_kbool(out, "required", rt->extensions[i].required);
            jb_raw(out, "}");
        }
        jb_raw(out, "]");
    }
    discovery_meta(out, "ResourceType", base, "ResourceTypes", rt->name);
    jb_raw(out, "}");
}

char *discovery_resource_types(const char *base) {
    struct jbuf out = {0};
    int64_t total = 0;
    for (size_t i = 0; resource_type_at(i) != NULL; i++)
        total += !resource_type_at(i)->unlisted;
    open_list(&out, total);
    for (size_t i = 0; resource_type_at(i) != NULL; i++)
        if (!resource_type_at(i)->unlisted)
            put_resource_type(&out, base, resource_type_at(i));
    jb_raw(&out, "]}");
    return jb_take(&out);
}

char *discovery_resource_type(const char *base, const char *name) {
    struct jbuf out = {0};
    const struct resource_type *rt = NULL;
    for (size_t i = 0; (rt = resource_type_at(i)) != NULL && strcasecmp(rt->name, name) != 0;)
        i++;
    if (rt == NULL)
        return NULL;
    put_resource_type(&out, base, rt);
    return jb_take(&out);
}

/* Recurses once: sub-attributes are never complex. */
static void put_attrs(struct jbuf *out, const struct discovery *d, const char *name, const struct attr *attrs,
                      size_t n) {
    jb_key(out, name);
    jb_raw(out, "[");
    for (size_t i = 0; i < n; i++) {
        const struct attr *a = &attrs[i];
        if (a->dropped && !d->passwords)
            continue;
        jb_sep(out);
        jb_raw(out, "{");
        jb_kstr(out, "name", a->name);
        jb_kstr(out, "type", attr_type_names[a->type]);
        jb_kbool(out, "multiValued", a->multi);
        jb_kstr(out, "description", a->description);
        jb_kbool(out, "required", a->required);
        put_texts(out, "canonicalValues", a->canonical);
        jb_kbool(out, "caseExact", a->case_exact);
        jb_kstr(out, "mutability", attr_mutability_names[a->mutability]);
        jb_kstr(out, "returned", attr_returned_names[a->returned]);
        jb_kstr(out, "uniqueness", attr_uniqueness_names[a->uniqueness]);
        put_texts(out, "referenceTypes", a->reference_types);
        if (a->nsubs > 0)
            put_attrs(out, d, "subAttributes", a->subs, a->nsubs);
        jb_raw(out, "}");
    }
    jb_raw(out, "]");
}

static void put_schema(struct jbuf *out, const struct discovery *d, const struct schema *s) {
    jb_sep(out);
    jb_raw(out, "{");
    put_schemas(out, SCHEMA_SCHEMA);
    jb_kstr(out, "id", s->id);
    jb_kstr(out, "name", s->name);
    jb_kstr(out, "description", s->description);
    put_attrs(out, d, "attributes", s->attrs, s->nattrs);
    discovery_meta(out, "Schema", d->base, "Schemas", s->id);
    jb_raw(out, "}");
}

char *discovery_schemas(const struct discovery *d) {
    struct jbuf out = {0};
    int64_t total = 0;
    for (size_t i = 0; schema_at(i) != NULL; i++)
        total += !schema_at(i)->unlisted;
    open_list(&out, total);
    for (size_t i = 0; schema_at(i) != NULL; i++)
        if (!schema_at(i)->unlisted)
            put_schema(&out, d, schema_at(i));
    jb_raw(&out, "]}");
    return jb_take(&out);
}

char *discovery_schema(const struct discovery *d, const char *urn) {
    struct jbuf out = {0};
    const struct schema *s = schema_by_urn(urn);
    if (s == NULL)
        return NULL;
    put_schema(&out, d, s);
    return jb_take(&out);
}
