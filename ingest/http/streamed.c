#include "ingest/http/streamed.h"

#include "ingest/http/clients.h"
#include "ingest/ingest.h"
#include "ingest/request/stream.h"

#include <poll.h>
#include <string.h>

/* What is given to the library at once. A client has its time for each of these (clients.h). */
#define BLOCK_BYTES ((size_t)32 * 1024)

static struct client *client_of(const struct stream *s) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(s->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

/* The library watches no suspended connection, and does not close it. */
static bool stream_gone(const struct stream *s) {
    const struct client *c = client_of(s);
    struct pollfd fd = {.fd = c != NULL ? c->fd : -1, .events = POLLRDHUP};
    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* in_flight is decremented last: the server stops only when all connections are resumed. */
static void stream_give(struct stream *s) {
    struct ingest *in = s->in;
    MHD_resume_connection(s->connection);
    atomic_fetch_sub(&in->in_flight, 1);
}

/* The stream is counted before `stopping` is read: so if in_flight is 0 after the stop has begun, it stays 0.
 * False while the server stops. */
static bool wait_for_piece(struct stream *s) {
    atomic_fetch_add(&s->in->in_flight, 1);
    if (atomic_load(&s->in->stopping)) {
        atomic_fetch_sub(&s->in->in_flight, 1);
        return false;
    }
    struct client *c = client_of(s);
    if (c != NULL)
        client_phase(c, CLIENT_WORK);
    jb_reset(&s->piece);
    s->sent = 0;
    MHD_suspend_connection(s->connection);
    s->want(s);
    return true;
}

static ssize_t read_stream(void *cls, uint64_t at, char *buffer, size_t most) {
    struct stream *s = cls;
    (void)at;
    size_t left = s->piece.n - s->sent, n = left < most ? left : most;
    if (n > 0) {
        struct client *c = client_of(s);
        if (c != NULL)
            client_answers(c, n);
        memcpy(buffer, s->piece.p + s->sent, n);
        s->sent += n;
        return (ssize_t)n;
    }
    if (s->broken)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (s->last)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return wait_for_piece(s) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

struct MHD_Response *streamed_response(const struct request *r, struct MHD_Connection *connection) {
    struct stream *s = r->answer.stream;
    s->in = r->in;
    s->connection = connection;
    s->give = stream_give;
    s->gone = stream_gone;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, NULL);
}
