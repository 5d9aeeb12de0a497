#include "ingest/http/body.h"

#include "ingest/request/content.h"

void body_expect(struct request *r, const struct guard_facts *facts) {
    bool has_body = facts->chunked || (facts->has_length && facts->length > 0);
    r->body_waits = (facts->has_length && facts->length > BODY_UNASKED) || (has_body && facts->expects);
}

/* The library sends an answer only before or after a body, not within. So where a body turns out to be too
 * large, or its client is refused in the middle of it, as many bytes again are read and thrown away. If it
 * still goes on, the connection is closed. */
enum body_next body_take(struct request *r, const char *data, size_t n) {
    size_t max = content_limit(r);
    bool refused = atomic_load(&r->state) == REQUEST_DONE;
    if (!refused && !r->counted && r->body_bytes + n > BODY_UNASKED) {
        r->body_waits = true;
        return BODY_ASK;
    }
    r->body_bytes += n;
    if (r->body_bytes > 2 * max)
        return BODY_CLOSE;
    if (!refused && r->body_bytes > max) {
        r->too_large = true;
        r->answer.close = true;
        jb_free(&r->body);
    } else if (!refused && r->route.method != HTTP_GET) {
        jb_mem(&r->body, data, n);
    }
    return BODY_MORE;
}
