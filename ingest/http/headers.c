#include "ingest/http/headers.h"

#include "ingest/http/layout.h"
#include "ingest/request/bearer.h"
#include "ingest/request/source.h"
#include "ops/runtime/trace.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct collected {
    struct guard_header rows[GUARD_HEADERS_MAX + 1];
    size_t n;
};

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                      const char *value, size_t value_len) {
    struct collected *c = cls;
    if (c->n > GUARD_HEADERS_MAX)
        return MHD_NO;
    c->rows[c->n++] =
        (struct guard_header){kind == MHD_FOOTER_KIND ? GUARD_TRAILER : GUARD_HEADER, name, name_len,
                              value != NULL ? value : "", value != NULL ? value_len : 0};
    return MHD_YES;
}

static bool is_whole(struct MHD_Connection *connection, const struct request_line *line,
                     const struct collected *c) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (c->n > GUARD_HEADERS_MAX) /* not all were collected; that they are too many is said later */
        return true;
    struct layout l = {line->method,
                       line->target,
                       line->version,
                       line->target_len,
                       c->rows,
                       c->n,
                       info != NULL ? info->header_size : 0};
    return layout_is_whole(&l);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\0';
}

/* Blanks behind a value are no part of it (RFC 9110 section 5.5). The library leaves them there; some are
 * NULs by now (library.h). */
static void strip_values(struct request *r, struct collected *c) {
    for (size_t i = 0; i < c->n; i++) {
        struct guard_header *h = &c->rows[i];
        size_t n = h->value_len;
        while (n > 0 && is_blank(h->value[n - 1]))
            n--;
        if (n == h->value_len)
            continue;
        h->value = arena_strndup(r->arena, h->value, n);
        h->value_len = n;
    }
}

/* All lines of a header that is a list, joined by commas (RFC 9110 section 5.3); NULL = none. */
static const char *list_header(struct request *r, const struct collected *c, const char *name) {
    const char *joined = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const struct guard_header *h = &c->rows[i];
        if (h->kind != GUARD_HEADER || h->name_len != strlen(name) ||
            strncasecmp(h->name, name, h->name_len) != 0)
            continue;
        joined = joined == NULL ? h->value : arena_printf(r->arena, "%s,%s", joined, h->value);
    }
    return joined;
}

/* The peer of the connection, or the client before the trusted proxies. If there are too many headers, those
 * of the proxies may be missing; then it is the peer. */
static void find_source(struct request *r, const char *peer, const struct collected *c) {
    if (!net_address_parse(peer, strlen(peer), &r->head.source))
        return;
    if (c->n <= GUARD_HEADERS_MAX) {
        enum proxy_header header = r->in->settings.proxy_header;
        const char *name = header == PROXY_FORWARDED ? "Forwarded" : "X-Forwarded-For";
        r->head.source =
            source_address(&r->in->settings.proxies, &r->head.source, header, list_header(r, c, name));
    }
    char text[NET_TEXT_SIZE];
    r->head.source_ip = arena_strdup(r->arena, net_address_text(&r->head.source, text));
}

const char *headers_basic(const char *authorization) {
    if (authorization == NULL || strncasecmp(authorization, "Basic ", 6) != 0)
        return NULL;
    return authorization + 6 + strspn(authorization + 6, " ");
}

enum err_code headers_read(struct request *r, struct MHD_Connection *connection, const char *peer,
                           const struct request_line *line, struct guard_facts *facts, struct err *err) {
    struct collected c;
    c.n = 0;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect_header, &c);
    bool whole = is_whole(connection, line, &c);
    strip_values(r, &c);
    find_source(r, peer, &c);
    struct guard_request g = {line->method, line->version, whole, r->head.target, c.rows, c.n};
    enum err_code code = guard_check(&g, facts, err);
    r->head.user_agent = facts->user_agent;
    if (code != ERR_OK)
        return code;
    r->head.path = arena_strndup(r->arena, facts->path, facts->path_len);
    r->head.query_text = facts->query;
    r->head.scheme = facts->scheme;
    r->head.host = facts->authority != NULL ? arena_strndup(r->arena, facts->authority, facts->authority_len)
                                            : facts->host;
    r->head.content_type = facts->content_type;
    r->head.content_coding = facts->coding;
    r->head.authorization = facts->authorization;
    r->head.token = bearer_token(facts->authorization);
    r->head.basic = headers_basic(facts->authorization);
    r->head.cookie = list_header(r, &c, MHD_HTTP_HEADER_COOKIE);
    r->head.origin = list_header(r, &c, MHD_HTTP_HEADER_ORIGIN);
    r->head.fetch_site = list_header(r, &c, "Sec-Fetch-Site");
    r->head.if_match = list_header(r, &c, MHD_HTTP_HEADER_IF_MATCH);
    r->head.if_none_match = list_header(r, &c, MHD_HTTP_HEADER_IF_NONE_MATCH);
    r->head.accept_encoding = list_header(r, &c, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    r->head.dry_run = list_header(r, &c, "Usher-Dry-Run");
    r->head.last_event_id = list_header(r, &c, "Last-Event-ID");
    r->head.idempotency_key = list_header(r, &c, "Idempotency-Key");
    prefer_parse(list_header(r, &c, "Prefer"), &r->head.prefer);
    bool traced = facts->traceparent != NULL && guard_traceparent(facts->traceparent);
    trace_enter(traced ? facts->traceparent : "", r->head.traceparent, r->head.trace_parent);
    return ERR_OK;
}
