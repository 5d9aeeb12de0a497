/* usherctl delivery create|set|rotate|test|replay|revoke: endpoints that events are delivered to over HTTP.
 */
#include "ops/ctl/ctl_delivery.h"

#include "ops/ctl/ctl_far.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "schemas/api/credential.h"
#include "schemas/api/delivery.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SECRET_SIZE == DELIVERY_SERVICE_SECRET, "secrets are sealed with the service's");

#define DELIVERIES "/deliveries" /* below /api/v1/admin */

static const char *const signatures[] = {DELIVERY_SIGNATURE_HMAC, DELIVERY_SIGNATURE_ED25519, NULL};

/* The endpoint among the items; how many are called so. */
static size_t pick_delivery(const json_t *items, const char *name, const json_t **first) {
    struct uuid id;
    bool by_id = uuid_parse(name, &id);
    const json_t *one;
    size_t i, n = 0;
    json_array_foreach(items, i, one) {
        if (strcmp(ctl_or(ctl_text(one, "name"), ""), name) != 0 &&
            (!by_id || strcmp(ctl_or(ctl_text(one, "id"), ""), id.s) != 0))
            continue;
        *first = one;
        n++;
    }
    return n;
}

static enum err_code name_far(struct ctl *c, const char *name, struct ctl_delivery *out, struct err *err) {
    struct ctl_workspace w;
    json_t *items;
    const json_t *one = NULL;
    if (ctl_workspace_flag(c, &w, err) != ERR_OK ||
        ctl_far_items(c, DELIVERIES, SIZE_MAX, &items, err) != ERR_OK)
        return err->code;
    size_t n = pick_delivery(items, name, &one);
    enum err_code code = ERR_OK;
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no delivery \"%s\"", name);
    else if (n > 1)
        code = err_set(err, ERR_CONFLICT, "several deliveries have the name \"%s\"; give the id", name);
    else if (!uuid_parse(ctl_or(ctl_text(one, "id"), ""), &out->id))
        code = err_set(err, ERR_INTERNAL, "a delivery without an id");
    out->workspace = w.id;
    snprintf(out->name, sizeof out->name, "%s", ctl_or(ctl_text(one, "name"), ""));
    snprintf(out->signature, sizeof out->signature, "%s", ctl_or(ctl_text(one, "signature"), ""));
    json_decref(items);
    return code;
}

enum err_code ctl_delivery_named(struct ctl *c, struct ctl_delivery *out, struct err *err) {
    const char *given = ctl_flag(c->args, "workspace"), *name = c->args->words[2];
    struct ctl_workspace w;
    struct db_result *r;
    if (c->far != NULL)
        return name_far(c, name, out, err);
    enum err_code code = given != NULL ? ctl_workspace_find(c, given, &w, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    const char *params[] = {name, given != NULL ? w.id.s : NULL};
    if (db_run(c->db, SQL_CTL_LIST_DELIVERY_NAMED, params, &r, err) != ERR_OK)
        return err->code;
    if (db_rows(r) == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no delivery \"%s\"", name);
    else if (db_rows(r) > 1)
        code = err_set(err, ERR_CONFLICT, "several deliveries have the name \"%s\"; give the id", name);
    if (code == ERR_OK) {
        (void)uuid_parse(db_text(r, 0, 0), &out->workspace);
        (void)uuid_parse(db_text(r, 0, 1), &out->id);
        snprintf(out->name, sizeof out->name, "%s", db_text(r, 0, 2));
        snprintf(out->signature, sizeof out->signature, "%s", db_text(r, 0, 3));
    }
    db_results_free(&r, 1);
    return code;
}

/* ---- what the flags say ---- */

static enum err_code put_events(const struct ctl_args *a, json_t *out, struct err *err) {
    const char *text = ctl_flag(a, "events");
    if (text == NULL)
        return ERR_OK;
    if (strcmp(text, "all") == 0) {
        jsonx_put(out, "events", json_null());
        return ERR_OK;
    }
    json_t *list = json_array();
    jsonx_put(out, "events", list);
    for (size_t n; *text != '\0'; text += n + (text[n] == ',')) {
        n = strcspn(text, ",");
        jsonx_push(list, json_stringn(text, n));
    }
    return delivery_check_events(list, err);
}

/* Those of name, url, events and state that are given. Whether http is allowed is the worker's to say. */
static enum err_code put_settings(const struct ctl_args *a, const char *const *states, json_t *out,
                                  struct err *err) {
    const char *name = ctl_flag(a, "name"), *url = ctl_flag(a, "endpoint"), *state = ctl_flag(a, "state");
    if ((name != NULL && ctl_value_name("delivery", name, err) != ERR_OK) ||
        (url != NULL && delivery_check_url(url, true, err) != ERR_OK) ||
        (state != NULL && ctl_value_choice("state", state, states, err) != ERR_OK) ||
        put_events(a, out, err) != ERR_OK)
        return err->code;
    if (name != NULL)
        jsonx_put(out, "name", json_string(name));
    if (url != NULL)
        jsonx_put(out, "url", json_string(url));
    if (state != NULL)
        jsonx_put(out, "state", json_string(state));
    return ERR_OK;
}

static enum err_code put_secret(struct ctl *c, const char *signature, const struct uuid *id, json_t *out,
                                char shown[DELIVERY_SECRET_TEXT], struct err *err) {
    unsigned char service[SECRET_SIZE];
    if (secret_read(c->db, SECRET_SEAL, service, err) != ERR_OK)
        return err->code;
    delivery_secret_put(out, signature, service, id->s, shown);
    return ERR_OK;
}

/* ---- what is shown ---- */

/* done: in a sentence, "is made". shown: a new secret or public key; NULL: there is none. */
static void delivery_show(struct ctl *c, const struct ctl_delivery *d, const char *done, const char *shown) {
    bool is_pair = strcmp(d->signature, DELIVERY_SIGNATURE_ED25519) == 0;
    if (!c->json) {
        jb_printf(&c->out, "delivery %s \"%s\" %s\n", d->id.s, d->name, done);
        if (shown != NULL && is_pair)
            jb_printf(&c->out, "public key  %s\n", shown);
        else if (shown != NULL)
            jb_printf(&c->out, "secret   %s\nIt is shown this once.\n", shown);
        return;
    }
    jb_raw(&c->out, "{");
    if (shown != NULL)
        jb_kstr(&c->out, "secret", is_pair ? NULL : shown);
    jb_key(&c->out, "delivery");
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", d->id.s);
    jb_kstr(&c->out, "workspace", d->workspace.s);
    jb_kstr(&c->out, "name", d->name);
    if (shown != NULL && is_pair)
        jb_kstr(&c->out, "publicKey", shown);
    jb_raw(&c->out, "}}\n");
}

/* A new endpoint, or a new secret; the service makes both, and the secret is shown. Takes what is asked over.
 */
static enum err_code delivery_make_far(struct ctl *c, const char *path, json_t *asked, struct ctl_delivery *d,
                                       const char *done, struct err *err) {
    json_t *made = NULL;
    enum err_code code = ctl_far_ask(c, "POST", path, asked, &made, err);
    const json_t *now = json_object_get(made, "delivery");
    if (code == ERR_OK && !uuid_parse(ctl_or(ctl_text(now, "id"), ""), &d->id))
        code = err_set(err, ERR_INTERNAL, "a delivery without an id");
    if (code == ERR_OK)
        delivery_show(c, d, done, ctl_or(ctl_text(made, "secret"), ctl_or(ctl_text(now, "publicKey"), "")));
    json_decref(made);
    return code;
}

/* What the service is asked instead of a command. */
static enum err_code delivery_run_far(struct ctl *c, enum command_type type, const struct ctl_delivery *d,
                                      json_t *resource, struct err *err) {
    static const struct {
        enum command_type type;
        const char *method, *under;
    } asked[] = {{COMMAND_DELIVERY_SET, "PATCH", ""},
                 {COMMAND_DELIVERY_DELETE, "DELETE", ""},
                 {COMMAND_DELIVERY_REPLAY, "POST", "/replay"}};
    size_t i = 0;
    while (asked[i].type != type)
        i++;
    const json_t *number = json_object_get(resource, "number"), *since = json_object_get(resource, "since");
    bool tests = json_is_integer(number) && json_integer_value(number) == 0;
    if (json_is_integer(since)) {
        char text[RFC3339_SIZE];
        jsonx_put(resource, "since", json_string(rfc3339_us(json_integer_value(since), text)));
    }
    if (tests) {
        json_decref(resource);
        resource = NULL;
    }
    char *path = xasprintf(DELIVERIES "/%s%s", d->id.s, tests ? "/test" : asked[i].under);
    enum err_code code = ctl_far_ask(c, asked[i].method, path, resource, NULL, err);
    free(path);
    return code;
}

/* Takes the resource over. */
static enum err_code delivery_run(struct ctl *c, enum command_type type, const struct ctl_delivery *d,
                                  json_t *resource, struct err *err) {
    if (c->far != NULL)
        return delivery_run_far(c, type, d, resource, err);
    struct command cmd = {.type = type, .workspace = d->workspace, .id = d->id, .resource = resource};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

/* ---- commands ---- */

static enum err_code delivery_read_new(struct ctl *c, struct ctl_delivery *d, json_t *out,
                                       char shown[DELIVERY_SECRET_TEXT], struct err *err) {
    static const char *const states[] = {"enabled", "paused", NULL};
    const char *name, *url, *signature = ctl_flag(c->args, "signature");
    struct ctl_workspace w;
    signature = signature != NULL ? signature : DELIVERY_SIGNATURE_HMAC;
    if (ctl_flag_required(c->args, "name", &name, err) != ERR_OK ||
        ctl_flag_required(c->args, "endpoint", &url, err) != ERR_OK ||
        ctl_value_choice("signature", signature, signatures, err) != ERR_OK ||
        put_settings(c->args, states, out, err) != ERR_OK || ctl_workspace_flag(c, &w, err) != ERR_OK)
        return err->code;
    d->workspace = w.id;
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->signature, sizeof d->signature, "%s", signature);
    jsonx_put(out, "signature", json_string(signature));
    return c->far != NULL ? ERR_OK : put_secret(c, signature, &d->id, out, shown, err);
}

enum err_code ctl_delivery_create(struct ctl *c, struct err *err) {
    struct ctl_delivery d = {.id = uuid_v7()};
    char shown[DELIVERY_SECRET_TEXT];
    json_t *out = json_object();
    if (delivery_read_new(c, &d, out, shown, err) != ERR_OK) {
        json_decref(out);
        return err->code;
    }
    if (c->far != NULL)
        return delivery_make_far(c, DELIVERIES, out, &d, "is made", err);
    enum err_code code = delivery_run(c, COMMAND_DELIVERY_CREATE, &d, out, err);
    if (code == ERR_OK)
        delivery_show(c, &d, "is made", shown);
    return code;
}

enum err_code ctl_delivery_set(struct ctl *c, struct err *err) {
    static const char *const states[] = {"enabled", "paused", "disabled", NULL};
    struct ctl_delivery d;
    json_t *out = json_object();
    enum err_code code = ctl_delivery_named(c, &d, err);
    if (code == ERR_OK)
        code = put_settings(c->args, states, out, err);
    if (code == ERR_OK && json_object_size(out) == 0)
        code = err_set(err, ERR_USAGE, "give at least one of --name, --endpoint, --events and --state");
    if (code != ERR_OK) {
        json_decref(out);
        return code;
    }
    code = delivery_run(c, COMMAND_DELIVERY_SET, &d, out, err);
    if (code == ERR_OK)
        delivery_show(c, &d, "is changed", NULL);
    return code;
}

static enum err_code read_overlap(const struct ctl_args *a, int64_t *until_us, struct err *err) {
    const char *overlap = ctl_flag(a, "overlap");
    *until_us = clock_wall_us() + DELIVERY_OVERLAP_S * INT64_C(1000000);
    if (overlap == NULL)
        return ERR_OK;
    if (strcmp(overlap, "none") != 0)
        return ctl_value_expiry("overlap", overlap, clock_wall_us(), until_us, err);
    *until_us = 0;
    return ERR_OK;
}

static const char *rotated(int64_t until_us) {
    return until_us != 0 ? "is rotated; for a while messages are signed with both secrets" : "is rotated";
}

static enum err_code rotate_delivery_far(struct ctl *c, struct ctl_delivery *d, int64_t until_us,
                                         struct err *err) {
    char *path = xasprintf(DELIVERIES "/%s/rotate", d->id.s);
    int64_t seconds = until_us != 0 ? (until_us - clock_wall_us() + 999999) / 1000000 : 0;
    json_t *asked = json_object();
    jsonx_put(asked, "overlapSeconds", json_integer(seconds));
    enum err_code code = delivery_make_far(c, path, asked, d, rotated(until_us), err);
    free(path);
    return code;
}

enum err_code ctl_delivery_rotate(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    int64_t until_us = 0;
    char shown[DELIVERY_SECRET_TEXT];
    json_t *out = json_object();
    enum err_code code = ctl_delivery_named(c, &d, err);
    if (code == ERR_OK)
        code = read_overlap(c->args, &until_us, err);
    if (code == ERR_OK && c->far == NULL)
        code = put_secret(c, d.signature, &d.id, out, shown, err);
    if (code != ERR_OK || c->far != NULL) {
        json_decref(out);
        return code != ERR_OK ? code : rotate_delivery_far(c, &d, until_us, err);
    }
    credential_put_moment(out, "overlapUntil", until_us);
    code = delivery_run(c, COMMAND_DELIVERY_ROTATE, &d, out, err);
    if (code == ERR_OK)
        delivery_show(c, &d, rotated(until_us), shown);
    return code;
}

enum err_code ctl_delivery_test(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    enum err_code code = ctl_delivery_named(c, &d, err);
    if (code == ERR_OK)
        code = delivery_run(c, COMMAND_DELIVERY_REPLAY, &d, json_pack("{s:i}", "number", 0), err);
    if (code == ERR_OK)
        delivery_show(c, &d, "is tried; usherctl delivery attempts says what it has answered", NULL);
    return code;
}

/* A time, or a span before now. */
static enum err_code read_since(const char *text, int64_t *us, struct err *err) {
    int64_t now_us = clock_wall_us(), until_us;
    if (rfc3339_parse(text, us))
        return ERR_OK;
    enum err_code code = ctl_value_expiry("since", text, now_us, &until_us, err);
    *us = code == ERR_OK ? 2 * now_us - until_us : 0;
    return code;
}

static enum err_code read_replay(const struct ctl_args *a, const char **kind, int64_t *n, struct err *err) {
    const char *since = ctl_flag(a, "since"), *after = ctl_flag(a, "after"), *number = ctl_flag(a, "number");
    if ((since != NULL) + (after != NULL) + (number != NULL) != 1)
        return err_set(err, ERR_USAGE, "give exactly one of --since, --after and --number");
    *kind = since != NULL ? "since" : after != NULL ? "after" : "number";
    if (since != NULL)
        return read_since(since, n, err);
    return ctl_value_int(*kind, after != NULL ? after : number, after != NULL ? 0 : 1, INT64_MAX, n, err);
}

enum err_code ctl_delivery_replay(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    const char *kind = "since";
    int64_t n;
    enum err_code code = read_replay(c->args, &kind, &n, err);
    if (code == ERR_OK)
        code = ctl_delivery_named(c, &d, err);
    if (code != ERR_OK)
        return code;
    json_t *out = json_object();
    jsonx_put(out, kind, json_integer(n));
    code = delivery_run(c, COMMAND_DELIVERY_REPLAY, &d, out, err);
    if (code == ERR_OK)
        delivery_show(
            c, &d, strcmp(kind, "number") == 0 ? "gets the message once more" : "goes on from there", NULL);
    return code;
}

enum err_code ctl_delivery_revoke(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    enum err_code code = ctl_delivery_named(c, &d, err);
    if (code == ERR_OK)
        code = delivery_run(c, COMMAND_DELIVERY_DELETE, &d, NULL, err);
    if (code == ERR_OK)
        delivery_show(c, &d, "is deleted", NULL);
    return code;
}
