#include "ingest/scim/async.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handle.h"
#include "ingest/scim/bulk_request.h"
#include "ingest/scim/jwks.h"
#include "ops/runtime/clock.h"
#include "schemas/stream/record_event.h"
#include "sql/ask/command_log.h"
#include "sql/ask/log_gaps.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/AsyncResults/"
#define SEAL_BYTES 16
#define SEAL_TEXT 23 /* 16 bytes in base64url, and a NUL */
#define SEAL_KIND sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define RETRY_S 1

struct async_question {
    struct question question;
    struct uuid workspace;
    struct uuid *txns; /* of one command, or of the operations of a Bulk in their order */
    size_t n;
    bool bulk;
    const char **claims; /* of the event of each outcome; NULL: no such event */
    size_t known;        /* number of commands that are decided */
    int partitions;
    bool lost; /* … and those that are not, never will be */
    struct arena *arena;
};

/* ---- addresses ---- */

/* False while there is no secret. operations: 0 = no Bulk. */
static bool seal(const struct uuid *workspace, const struct uuid *txn, int operations, char out[SEAL_TEXT]) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    struct jbuf text = {0};
    _Static_assert(SEAL_KEY_SIZE == crypto_auth_hmacsha256_KEYBYTES, "a seal's key fits");
    if (seal_key() == NULL)
        return false;
    jb_printf(&text, "async|%s|%s|%d", workspace->s, txn->s,
              operations); /* "async": a seal of a cursor does not fit here */
    crypto_auth_hmacsha256(mac, (const unsigned char *)text.p, text.n, seal_key());
    jb_free(&text);
    sodium_bin2base64(out, SEAL_TEXT, mac, SEAL_BYTES, SEAL_KIND);
    return true;
}

/* The address of the outcome: base, "/AsyncResults/", the txn, for a Bulk the number of its operations, and a
 * seal over these and the workspace. NULL while the key of the seal is not loaded. */
static char *handle_of(const struct request *r, int operations) {
    char text[SEAL_TEXT];
    if (!seal(&r->verdict.workspace, &r->txn, operations, text))
        return NULL;
    if (operations == 0)
        return arena_printf(r->arena, "%s" PATH "%s.%s", r->base, r->txn.s, text);
    return arena_printf(r->arena, "%s" PATH "%s.%d.%s", r->base, r->txn.s, operations, text);
}

void async_promise(struct request *r, const char *txn, const char *bulk_id) {
    struct command_async *a = arena_alloc(r->arena, sizeof *a);
    snprintf(a->txn, sizeof a->txn, "%s", txn);
    snprintf(a->bulk_id, sizeof a->bulk_id, "%s", bulk_id != NULL ? bulk_id : "");
    snprintf(a->method, sizeof a->method, "%.7s", r->head.method);
    snprintf(a->base, sizeof a->base, "%s", r->base);
    r->command->async = a;
}

void async_accept(struct request *r, int operations) {
    answer_begin(r, 202);
    r->answer.content_type = NULL;
    r->answer.set_txn = r->txn.s;
    r->answer.preference_applied = "respond-async";
    r->answer.location = handle_of(r, operations);
}

/* "{txn}.{seal}" or "{txn}.{operations}.{seal}". False unless it was made for this workspace. */
static bool unseal(const struct uuid *workspace, const char *handle, struct uuid *txn, int *operations) {
    char head[37], due[SEAL_TEXT];
    const char *rest = handle + strcspn(handle, ".");
    *operations = 0;
    if (rest - handle != sizeof head - 1 || *rest == '\0')
        return false;
    memcpy(head, handle, sizeof head - 1);
    head[sizeof head - 1] = '\0';
    rest++;
    if (strchr(rest, '.') != NULL) {
        char *end;
        long n = strtol(rest, &end, 10);
        if (*end != '.' || n < 1 || n > BULK_MAX_OPERATIONS)
            return false;
        *operations = (int)n;
        rest = end + 1;
    }
    return uuid_parse(head, txn) && seal(workspace, txn, *operations, due) && strlen(rest) == SEAL_TEXT - 1 &&
           sodium_memcmp(rest, due, SEAL_TEXT - 1) == 0;
}

/* ---- the question ---- */

/* Finds the event of the outcome among the records of a command. */
static void take_outcome(size_t i, bool known, const char *records, void *ctx) {
    struct async_question *q = ctx;
    struct record_list list = {0};
    const char *traceparent;
    q->known += known;
    if (records == NULL || record_list_decode(records, q->arena, &list, &traceparent, NULL) != ERR_OK)
        return;
    for (size_t k = 0; k < list.n; k++)
        if (list.rows[k].topic == RECORD_EVENTS && strcmp(list.rows[k].ce_type, EVENT_ASYNC) == 0)
            q->claims[i] = list.rows[k].value;
    record_list_clear(&list);
}

static enum err_code ask_outcomes(struct question *question, struct db *db, struct err *err) {
    struct async_question *q = (struct async_question *)question;
    q->known = 0;
    q->lost = false;
    enum err_code code = command_log_outcomes(db, q->workspace.s, q->txns, q->n, take_outcome, q, err);
    if (code != ERR_OK || q->known == q->n)
        return code;
    return log_gaps_cover(db, workspace_partition(q->workspace.s, q->partitions), uuid_time_us(&q->txns[0]),
                          &q->lost, err);
}

static enum err_code prepare_question(struct request *r, struct err *err) {
    struct async_question *q = arena_alloc(r->arena, sizeof *q);
    struct uuid txn;
    int operations;
    if ((r->verdict.scopes & (SCOPE_SCIM_USERS_WRITE | SCOPE_SCIM_ROOMS_WRITE)) == 0)
        return err_set(err, ERR_INSUFFICIENT_SCOPE, "The key lacks the scopes %s and %s",
                       scope_name(SCOPE_SCIM_USERS_WRITE), scope_name(SCOPE_SCIM_ROOMS_WRITE));
    if (seal_key() == NULL)
        return err_set(err, ERR_UNAVAILABLE, "Outcomes cannot be looked up now");
    if (!unseal(&r->verdict.workspace, r->route.segment, &txn, &operations))
        return err_set(err, ERR_NOT_FOUND, "There is no such outcome");
    q->question.ask = ask_outcomes;
    q->partitions = r->in->settings.partitions;
    q->workspace = r->verdict.workspace;
    q->arena = r->arena;
    q->bulk = operations > 0;
    q->n = q->bulk ? (size_t)operations : 1;
    q->txns = arena_alloc(r->arena, q->n * sizeof *q->txns);
    q->claims = arena_alloc(r->arena, q->n * sizeof *q->claims);
    for (size_t i = 0; i < q->n; i++)
        q->txns[i] = q->bulk ? uuid_derive(&txn, (uint32_t)i) : txn;
    r->question = &q->question;
    return ERR_OK;
}

static enum step async_result_begin(struct request *r) {
    struct err err = {0};
    return prepare_question(r, &err) == ERR_OK ? STEP_ASK : handle_refuse(r, &err);
}

/* ---- the answer ---- */

static int64_t age_hours(const struct uuid *txn) {
    return (clock_wall_us() - uuid_time_us(txn)) / 3600000000;
}

/* An accepted command will be decided, so an unknown outcome is waited for. But outcomes that are older than
 * outcome-hours were deleted; and where the log has lost the command and the record of its acceptance too,
 * nobody will decide it any more. */
static void answer_undecided(struct request *r, const struct async_question *q) {
    if (age_hours(&q->txns[0]) >= config_int(r->in->settings.config, "outcome-hours")) {
        answer_error(r, ERR_GONE, "The outcome is no longer kept");
        return;
    }
    if (q->lost) {
        answer_error(r, ERR_GONE,
                     "The request was lost before it was applied; nothing was changed, send it again");
        return;
    }
    answer_begin(r, 202);
    r->answer.content_type = NULL;
    r->answer.retry_after_s = RETRY_S;
}

static void answer_token(struct request *r, const char *claims) {
    answer_no_content(r, 0);
    jws_sign(jwks_own(), EVENT_TYPE, claims, strlen(claims), &r->answer.body);
    answer_plain(r, 200, EVENT_MEDIA_TYPE);
}

/* The event of an operation contains its result as a BulkResponse has it (rule Q5). */
static void answer_results(struct request *r, const struct async_question *q) {
    json_t *body = json_object(), *results = json_array(), *schemas = json_array();
    json_array_append_new(schemas, json_string(MESSAGE_BULK_RESPONSE));
    for (size_t i = 0; i < q->n; i++) {
        json_t *claims = json_loads(q->claims[i], 0, NULL);
        json_array_append(results, json_object_get(json_object_get(claims, "events"), EVENT_ASYNC));
        json_decref(claims);
    }
    json_object_set_new(body, "schemas", schemas);
    json_object_set_new(body, "Operations", results);
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL)
        abort();
    answer_json(r, 200, text);
    free(text);
    json_decref(body);
}

static enum step async_result_on_rows(struct request *r) {
    const struct async_question *q = (const struct async_question *)r->question;
    size_t told = 0;
    for (size_t i = 0; i < q->n; i++)
        told += q->claims[i] != NULL;
    if (q->known < q->n)
        answer_undecided(r, q);
    else if (told < q->n) /* decided, but the client has waited for the answer, so there is no event */
        answer_error(r, ERR_NOT_FOUND, "There is no such outcome");
    else if (q->bulk)
        answer_results(r, q);
    else
        answer_token(r, q->claims[0]);
    return STEP_ANSWERED;
}

const struct handler async_result = {.begin = async_result_begin, .on_rows = async_result_on_rows};
