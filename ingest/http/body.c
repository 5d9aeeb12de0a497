#include "ingest/http/body.h"

#include "ingest/request/content.h"

void body_expect(struct request *r, const struct guard_facts *facts) {
    bool has_body = facts->chunked || (facts->has_length && facts->length > 0);
    /* GET has no use for its body: it is thrown away */
    r->body_length = facts->has_length && r->route.method != HTTP_GET ? (size_t)facts->length : 0;
    r->body_waits = (facts->has_length && facts->length > BODY_LARGE) || (has_body && facts->expects);
}

/* Keeps a piece. Where the length is known, room for all of the body was taken after admission. */
static void keep(struct request *r, const char *data, size_t n) {
    size_t all = r->body.n + n;
    if (all > r->room.bytes && !request_take_room(r, all - r->room.bytes)) {
        request_drop_body(r);
        return;
    }
    if (r->body_length > r->body.n)
        jb_reserve(&r->body, r->body_length);
    jb_mem(&r->body, data, n);
}

/* The library sends an answer only before or after a body, not within. So where a body turns out to be too
 * large, or is refused in the middle, as many bytes again are read and thrown away. If it still goes on, the
 * connection is closed. */
enum body_next body_take(struct request *r, const char *data, size_t n) {
    size_t max = content_limit(r);
    bool refused = atomic_load(&r->state) == REQUEST_DONE;
    if (!refused && !r->counted && r->body_bytes + n > BODY_LARGE) {
        r->body_waits = true;
        return BODY_ASK;
    }
    r->body_bytes += n;
    if (r->body_bytes > 2 * max)
        return BODY_CLOSE;
    if (refused || r->no_room)
        return BODY_MORE;
    if (r->body_bytes > max) {
        r->too_large = true;
        r->answer.close = true;
        request_drop_body(r);
    } else if (r->route.method != HTTP_GET) {
        keep(r, data, n);
    }
    return BODY_MORE;
}
