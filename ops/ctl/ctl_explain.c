/* usherctl explain: what an error means and what to do, by its name, its scimType or its HTTP status. */
#include "ops/ctl/ctl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const advice[ERR_COUNT] = {
    [ERR_OK] = "Nothing is to be done.",
    [ERR_INVALID_SYNTAX] = "The body is no JSON, or not of the right shape. The detail says where.",
    [ERR_INVALID_VALUE] =
        "The detail names the attribute, and what it may be. Bounds stand in ops/DESIGN.md.",
    [ERR_INVALID_FILTER] = "The detail says where the filter ends to make sense (RFC 7644 section 3.4.2.2).",
    [ERR_INVALID_PATH] = "The path of a PATCH names nothing that there is. See /Schemas.",
    [ERR_INVALID_VERS] = "Use a base URL that ends with /scim/v2.",
    [ERR_NO_TARGET] =
        "The path of a PATCH selects no value of the resource: read the resource, and send it again.",
    [ERR_MUTABILITY] = "The attribute is read-only, or is set once. Leave it out.",
    [ERR_TOO_MANY] =
        "The request asks for more than one request may. Ask for less: a filter by an index, smaller "
        "pages, fewer operations.",
    [ERR_INVALID_CURSOR] = "Begin the list anew; a cursor is good for the query that it came with.",
    [ERR_EXPIRED_CURSOR] = "Begin the list anew, and read on within cursor-seconds.",
    [ERR_INVALID_COUNT] = "Use the same count with all pages of one list.",
    [ERR_BAD_REQUEST] = "The detail says what is wrong with the request.",
    [ERR_UNAUTHORIZED] =
        "The token is wrong, expired, revoked or rotated; the detail says which. usherctl key list "
        "shows the keys.",
    [ERR_FORBIDDEN] =
        "The detail says what the credential may not do, or which setting of the workspace is against it.",
    [ERR_INSUFFICIENT_SCOPE] =
        "Make a key with the scope that the detail names: usherctl key create --scopes.",
    [ERR_SEATS] =
        "All seats are taken. Deactivate users, or raise the limit: usherctl workspace set W --seats N.",
    [ERR_GUARD] =
        "The guard against mass changes has stopped the key. Look why so much was to go, then: usherctl "
        "guard release KEY.",
    [ERR_NOT_FOUND] =
        "There is no such resource in this workspace (any more), or the URL names another workspace than "
        "the credential.",
    [ERR_METHOD] = "The header Allow names the methods of the path.",
    [ERR_UNIQUENESS] = "Another resource has that name. Find it by filter, and change that one.",
    [ERR_CONFLICT] = "The detail says what is in the way.",
    [ERR_IN_PROGRESS] = "The same Idempotency-Key is at work now: repeat after Retry-After.",
    [ERR_BULK_STOPPED] =
        "Operations before it failed, as often as failOnErrors lets them. Send this one again.",
    [ERR_GONE] = "What was asked for is forgotten by now.",
    [ERR_PRECONDITION] =
        "Somebody has changed the resource: read it, and send the change with its new version.",
    [ERR_TOO_LARGE] = "Send less at once. The bounds stand in ops/DESIGN.md.",
    [ERR_URI_TOO_LONG] = "Send the query as the body of .search.",
    [ERR_MEDIA_TYPE] = "Send application/scim+json or application/json.",
    [ERR_KEY_REUSED] = "Give each new request an Idempotency-Key of its own.",
    [ERR_RATE_LIMITED] = "Wait as Retry-After says, or raise the rate: usherctl workspace set W --rate N.",
    [ERR_HEADERS_TOO_LARGE] = "Send fewer or shorter headers: 16 KiB, 100 of them.",
    [ERR_INTERNAL] = "A fault of usher: look for the txn in the logs, and report it.",
    [ERR_NOT_IMPLEMENTED] = "usher does not have it.",
    [ERR_HTTP_VERSION] = "Speak HTTP/1.1.",
    [ERR_UNAVAILABLE] =
        "Repeat after Retry-After. If it stays: /readyz of the ingest says which part is missing, "
        "usherctl status shows all.",
    [ERR_DEADLINE] =
        "No worker took the command in time, and it was cancelled: nothing was changed. Look at the "
        "workers: usherctl status.",
    [ERR_OUTCOME_UNKNOWN] =
        "PostgreSQL could not be asked what became of the command. Ask later, by its txn: GET "
        "/api/v1/operations/{txn}.",
    [ERR_LOST] = "The log lost the command before a worker had it. Send it again. Then see what happened to "
                 "usher.commands: usherctl status.",
    [ERR_DB_RETRY] = "PostgreSQL asked to try again; the programs do so by themselves.",
    [ERR_DB_LOST] = "Check the address, password and pg_hba.conf: the text behind it is PostgreSQL's own.",
    [ERR_DB_FENCED] = "Another worker has the partition. Nothing is to be done.",
    [ERR_DB_DATA] = "PostgreSQL refused a value. The record in usher.deadletter has the reason.",
    [ERR_DB_BUG] = "A fault of usher, or a changed schema: keep the log, and report it.",
    [ERR_DB_SYSTEM] =
        "A full disk, a missing right, another schema: the text says which. usherctl status and "
        "PostgreSQL's log say more. Nothing is lost meanwhile.",
    [ERR_DB_SLOW] =
        "PostgreSQL needed too long. Look for old transactions and missing statistics (ops/runbook.md).",
    [ERR_KAFKA] =
        "Check the setting kafka, the brokers, and kafka.* (TLS, SASL): the text behind it is the library's "
        "own.",
    [ERR_RECORD_REFUSED] =
        "The topic takes smaller records than usher writes: see max.message.bytes in ops/topics.md.",
    [ERR_DECODE] =
        "Somebody else has written to the topic, or a newer version has. The record is in usher.deadletter.",
    [ERR_USAGE] = "usherctl help shows how each command is given.",
    [ERR_CONFIG] = "Run the program with --check-config; ops/settings.md has every setting.",
};

static bool is_meant(enum err_code code, const char *word) {
    const char *type = err_scim_type(code);
    return strcasecmp(err_name(code), word) == 0 || (type != NULL && strcasecmp(type, word) == 0) ||
           (isdigit((unsigned char)*word) && strtol(word, NULL, 10) == err_http_status(code));
}

static void explain(struct ctl *c, enum err_code code) {
    static const char *const classes[] = {[ERR_CLASS_OK] = "no error",
                                          [ERR_CLASS_RETRY] = "nothing happened; the same may succeed later",
                                          [ERR_CLASS_REJECT] = "the same will be refused again",
                                          [ERR_CLASS_FATAL] = "usher or what it stands on is not in order"};
    struct err plain = {.code = code};
    const char *type = err_scim_type(code);
    if (c->json) {
        jb_sep(&c->out);
        jb_raw(&c->out, "{");
        jb_kstr(&c->out, "code", err_name(code));
        jb_kint(&c->out, "status", err_http_status(code));
        jb_kstr(&c->out, "scimType", type);
        jb_kstr(&c->out, "says", err_text(&plain));
        jb_kstr(&c->out, "means", classes[err_class(code)]);
        jb_kstr(&c->out, "advice", advice[code]);
        jb_raw(&c->out, "}");
        return;
    }
    jb_printf(&c->out, "%s%s  (HTTP %d%s%s)\n  %s: %s.\n  %s\n", c->out.n > 0 ? "\n" : "", err_name(code),
              err_http_status(code), type != NULL ? ", " : "", type != NULL ? type : "", err_text(&plain),
              classes[err_class(code)], advice[code]);
}

enum err_code ctl_explain(struct ctl *c, struct err *err) {
    const char *word = c->args->words[1];
    size_t found = 0;
    if (c->json)
        jb_raw(&c->out, "{\"errors\":[");
    for (int code = 0; code < ERR_COUNT; code++) {
        if (!is_meant((enum err_code)code, word))
            continue;
        explain(c, (enum err_code)code);
        found++;
    }
    if (c->json)
        jb_raw(&c->out, "]}\n");
    if (found > 0)
        return ERR_OK;
    jb_free(&c->out);
    return err_set(err, ERR_USAGE, "\"%s\" is no error of usher; schemas/README.md lists them", word);
}
