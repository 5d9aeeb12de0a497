#include "ingest/api/docs.h"

#include "ingest/request/answer.h"
#include "ingest/request/place.h"
#include "schemas/api/openapi.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

/* Stands in the text for the address of this service, which is known only when a client asks. */
#define ADDRESS "\"{address}\""

static struct jbuf before, after; /* the text of the document, before and after the address */

void docs_open(void) {
    json_t *doc = json_loads(openapi_json, 0, NULL);
    json_t *server = json_array_get(json_object_get(doc, "servers"), 0);
    struct jbuf text = {0};
    if (!json_is_object(server))
        abort(); /* the document is part of the program */
    jsonx_put(server, "url", json_string("{address}"));
    jsonx_text(doc, &text);
    char *at = strstr(text.p, ADDRESS);
    jb_mem(&before, text.p, (size_t)(at - text.p));
    jb_raw(&after, at + strlen(ADDRESS));
    jb_free(&text);
    json_decref(doc);
}

void docs_close(void) {
    jb_free(&before);
    jb_free(&after);
}

/* The setting public-url; else "/", which a client resolves against the address that it has the document
 * from. The Host that it has sent is its own word, and would stand in a document that others may get from a
 * cache. */
static const char *server_of(const struct request *r) {
    return r->in->settings.public_url[0] != '\0' ? place_origin(r) : "/";
}

static enum step docs_json_begin(struct request *r) {
    struct jbuf *b = answer_begin(r, 200);
    jb_mem(b, before.p, before.n);
    jb_str(b, server_of(r));
    jb_mem(b, after.p, after.n);
    answer_plain(r, 200, PLAIN_JSON);
    return STEP_ANSWERED;
}
const struct handler docs_json = {.begin = docs_json_begin};
