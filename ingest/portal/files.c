#include "ingest/portal/files.h"

#include "ingest/portal/bundle.h"
#include "ingest/request/answer.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* What a browser may do with a page: run and draw what stands in the program, ask the service that it has the
 * page from, and nothing else. No text can become a script: the sinks that would make one of it are closed.
 */
#define POLICY_BASE                                                                                          \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "    \
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; "
#define PAGE_POLICY POLICY_BASE "trusted-types 'none'"
/* The viewer of openapi.json is other people's code and writes HTML. The policy `default` of
 * ingest/portal/web/src/docs.js cleans all of it with DOMPurify; the other two are what DOMPurify needs. */
#define DOCS_POLICY POLICY_BASE "trusted-types default dompurify usher-docs"

#define HTML "text/html; charset=utf-8"
#define FOR_EVER "public, max-age=31536000, immutable"

static enum step answer_page(struct request *r, const char *html, const char *policy) {
    answer_begin(r, 200);
    answer_plain(r, 200, HTML);
    r->answer.fixed = html;
    r->answer.fixed_size = strlen(html);
    r->answer.policy = policy;
    r->answer.no_store = true;
    return STEP_ANSWERED;
}

static enum step page_begin(struct request *r) {
    return answer_page(r, portal_page_html, PAGE_POLICY);
}
const struct handler portal_page_get = {.begin = page_begin};

static enum step docs_page_begin(struct request *r) {
    return answer_page(r, portal_docs_html, DOCS_POLICY);
}
const struct handler portal_docs_get = {.begin = docs_page_begin};

/* ---- files ---- */

static const struct portal_file *file_of(const char *name) {
    for (size_t i = 0; i < portal_files_n; i++)
        if (strcmp(portal_files[i].name, name) == 0)
            return &portal_files[i];
    return NULL;
}

/* A client that names no codings takes any (RFC 9110 section 12.5.3). */
static bool takes_gzip(const char *accepted) {
    const char *at = accepted != NULL ? strstr(accepted, "gzip") : NULL;
    if (accepted == NULL || at == NULL)
        return accepted == NULL;
    at += strlen("gzip");
    at += strspn(at, " \t");
    if (at[0] != ';')
        return true;
    at += strcspn(at, "0123456789,");
    return strspn(at, "0.") != strcspn(at, ", \t");
}

/* For the few clients that do not take gzip: the content itself. */
static bool answer_plainly(struct request *r, const struct portal_file *file) {
    struct jbuf *b = answer_begin(r, 200);
    unsigned char *content = arena_alloc(r->arena, file->size + 1);
    z_stream z = {.next_in = (z_const Bytef *)file->gzip,
                  .avail_in = (uInt)file->gzip_size,
                  .next_out = content,
                  .avail_out = (uInt)file->size + 1};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return false;
    int end = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (end != Z_STREAM_END || z.total_out != file->size)
        return false;
    jb_mem(b, (const char *)content, file->size);
    return true;
}

static enum step file_begin(struct request *r) {
    const struct portal_file *file = file_of(r->route.segment);
    if (file == NULL) {
        answer_error(r, ERR_NOT_FOUND, "This version of usher has no such file: load the page again");
        return STEP_ANSWERED;
    }
    bool known = r->head.if_none_match != NULL && strstr(r->head.if_none_match, file->etag) != NULL;
    bool coded = takes_gzip(r->head.accept_encoding);
    if (!coded && !known && !answer_plainly(r, file)) {
        answer_error(r, ERR_INTERNAL, NULL);
        return STEP_ANSWERED;
    }
    if (coded || known)
        answer_begin(r, 200);
    answer_plain(r, known ? 304 : 200, file->type);
    if (coded && !known) {
        r->answer.fixed = file->gzip;
        r->answer.fixed_size = file->gzip_size;
        r->answer.coding = "gzip";
    }
    snprintf(r->answer.etag, sizeof r->answer.etag, "%s", file->etag);
    r->answer.cache = FOR_EVER;
    return STEP_ANSWERED;
}
const struct handler portal_file_get = {.begin = file_begin};
