#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/scim/async.h"
#include "ingest/scim/bulk_impl.h"
#include "ingest/scim/write.h"
#include "schemas/patch/flat.h"

#include <string.h>

struct request *bulk_operation(const struct request *r, size_t i) {
    return r->bulk->parts[i].operation;
}

static struct bulk_part *part_of(const struct request *operation) {
    return operation->work;
}

static int status_of(struct request *operation) {
    return request_answering(operation)->answer.status;
}

/* Errors count in the order in which the operations are done. For a published operation the worker has
 * decided whether it was stopped. An operation that was refused here counts as stopped if failOnErrors was
 * reached before it. */
void bulk_judge(struct request *r) {
    struct bulk *b = r->bulk;
    int errors = 0, most = b->request.fail_on_errors;
    for (size_t i = 0; most > 0 && !r->dry && i < b->request.n;
         i++) { /* of a dry run the worker has told it */
        struct request *o = b->operations[i];
        bool published = request_is_published(o);
        if (published ? o->command->reply.code == ERR_BULK_STOPPED : errors >= most)
            part_of(o)->stopped = true;
        else if (status_of(o) >= 400)
            errors++;
    }
}

/* The location of the resource; not for a POST that failed (rule B2). */
static void put_location(struct jbuf *out, const struct request *o, int status) {
    const struct bulk_op *op = part_of(o)->op;
    const struct route *route = &o->route;
    const char *id = o->membership != NULL ? o->membership : op->id.s;
    if (route->rt != NULL && id[0] != '\0') {
        if (strcmp(op->method, "POST") == 0 && status >= 400)
            return;
        jb_key(out, "location");
        jb_printf(out, "\"%s%s/%s\"", o->base, route->rt->endpoint, id);
    } else if (strcmp(op->method, "POST") != 0 && op->given_path != NULL) {
        /* The path names no resource: the path as given, made absolute if it begins like the path of a
         * resource. */
        bool ours = route->rt != NULL &&
                    strncasecmp(op->given_path, route->rt->endpoint, strlen(route->rt->endpoint)) == 0;
        jb_kstr(out, "location",
                ours ? arena_printf(o->arena, "%s%s", o->base, op->given_path) : op->given_path);
    }
}

static void put_operation(struct jbuf *out, struct request *o) {
    const struct bulk_op *op = part_of(o)->op;
    const struct answer *a = &request_answering(o)->answer;
    jb_sep(out);
    jb_raw(out, "{");
    put_location(out, o, a->status);
    jb_kstr(out, "method", op->method);
    if (op->bulk_id != NULL)
        jb_kstr(out, "bulkId", op->bulk_id);
    if (a->status < 300 && a->etag[0] != '\0')
        jb_kstr(out, "version", a->etag);
    jb_key(out, "status");
    jb_printf(out, "\"%d\"", a->status);
    if (a->status >= 300)
        jb_kraw(out, "response", a->body.p);
    jb_raw(out, "}");
}

/* Was 202 said for the operations? Then the log has all of them, and the outcomes are not known yet. */
static bool is_promised(const struct bulk *b) {
    for (size_t i = 0; i < b->request.n; i++)
        if (status_of(b->operations[i]) == 202)
            return true;
    return false;
}

void scim_bulk_answer(struct request *r) {
    struct bulk *b = r->bulk;
    struct jbuf text = {0};
    jb_raw(&text, "{\"schemas\":[\"" MESSAGE_BULK_RESPONSE "\"],\"Operations\":[");
    for (size_t i = 0; i < b->request.n; i++)
        if (!b->parts[i].stopped)
            put_operation(&text, b->parts[i].operation);
    jb_raw(&text, "]}");
    answer_json(r, 200, text.p);
    jb_free(&text);
}

/* The header of the whole names what was ignored in any operation, each name once. */
static void gather_ignored(struct request *r) {
    const char **names = arena_alloc(r->arena, (IGNORED_MAX + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < r->bulk->request.n; i++)
        for (const char *const *name = r->bulk->operations[i]->ignored; name != NULL && *name != NULL;
             name++) {
            size_t k = 0;
            while (k < n && strcmp(names[k], *name) != 0)
                k++;
            if (k == n && n < IGNORED_MAX)
                names[n++] = arena_strdup(r->arena, *name);
        }
    names[n] = NULL;
    r->ignored = n > 0 ? names : NULL;
}

void bulk_answer(struct request *r) {
    gather_ignored(r);
    if (atomic_load(&r->bulk->dropped))
        answer_error(r, ERR_UNAVAILABLE, "The request could not be recorded in time");
    else if (r->async && is_promised(r->bulk))
        async_accept(r, r->operations);
    else if (!r->dry || !bulk_trial_answer(r))
        r->bulk->kind->answer(r);
}

/* ---- the operations' own answers ---- */

/* The answer to an operation contains no resource (rule B2). */
static enum step operation_on_reply(struct request *o) {
    bool versioned = o->route.method != HTTP_DELETE && o->membership == NULL;
    answer_no_content(o, versioned ? o->command->reply.version : 0);
    o->answer.status = write_is_quiet(o) ? 204 : write_success(o);
    return STEP_ANSWERED;
}

static void operation_on_accepted(struct request *o) {
    answer_no_content(o, 0);
    o->answer.status = 202;
}

const struct handler bulk_operation_handler = {
    .on_reply = operation_on_reply,
    .on_accepted = operation_on_accepted,
};
