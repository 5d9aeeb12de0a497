#include "ingest/http/refuse.h"

#include "ingest/gate/limit.h"
#include "ingest/http/send.h"
#include "ingest/log/audit.h"
#include "ingest/request/answer.h"
#include "ingest/stats.h"

#include <string.h>

static enum err_code code_of(unsigned status) {
    static const enum err_code codes[] = {ERR_BAD_REQUEST, ERR_TOO_LARGE, ERR_URI_TOO_LONG,
                                          ERR_HEADERS_TOO_LARGE, ERR_HTTP_VERSION};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (err_http_status(codes[i]) == (int)status)
            return codes[i];
    return ERR_INTERNAL;
}

/* The library refuses before the headers were looked at: the form comes from the path alone, and the source
 * is the peer, because nobody knows yet which headers were a proxy's. */
static void read_no_headers(struct request *r, const struct client *client) {
    if (r->head.method[0] == '\0')
        memcpy(r->head.method, "-", 2);
    route_unreadable(r->in->routes, r->head.target, &r->route);
    request_take_route(r);
    if (client != NULL && net_address_parse(client->ip, strlen(client->ip), &r->head.source))
        r->head.source_ip = arena_strdup(r->arena, client->ip);
}

/* "POST /scim/v2/Users?x HTTP/1.1": the path says which form the answer has. */
static void read_line(struct request *r, const char *begin, size_t n) {
    const char *line = arena_strndup(r->arena, begin, n);
    size_t method = strcspn(line, " \r\n");
    if (method >= sizeof r->head.method || line[method] != ' ')
        return;
    memcpy(r->head.method, line, method);
    const char *target = line + method + 1;
    size_t length = strcspn(target, " \r\n");
    r->head.target = length > 0 && target[0] == '/' ? arena_strndup(r->arena, target, length) : NULL;
}

void refuse_plain(struct ingest *in, const struct client *client, const char *begin, size_t n) {
    struct request *r = request_new(in);
    metric_add(stats.guarded, 1);
    read_line(r, begin, n);
    read_no_headers(r, client);
    r->answer.close = true;
    answer_error(
        r, ERR_BAD_REQUEST,
        "This port speaks HTTPS, and the request came without TLS: its URL must begin with https://. If "
        "it had a token, that has gone over the network unprotected, so rotate its key");
    if (!limit_refuses(r))
        audit_note(in->audit, r);
    send_last_plain(r, client->fd);
    request_release(r);
}

void refuse_for_library(struct ingest *in, struct request *r, struct MHD_Connection *connection,
                        const struct client *client, unsigned status) {
    struct request *made = r == NULL ? request_new(in) : NULL;
    if (made != NULL)
        r = made;
    metric_add(stats.guarded, 1);
    if (atomic_load(&r->state) == REQUEST_DONE) { /* refused, and its body was still read */
        r = request_answering(r);
    } else {
        if (r->route.row == NULL)
            read_no_headers(r, client);
        r->answer.close = true;
        answer_error(r, code_of(status), NULL);
        if (!limit_refuses(r))
            audit_note(in->audit, r);
    }
    send_last(r, connection);
    if (made != NULL)
        request_release(made);
}
