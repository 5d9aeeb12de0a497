/* usherctl sign-in show|set|off: how people sign in to the portal by an OpenID provider. */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"

#include "schemas/api/sign_in.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/secret.h"

#include <stdio.h>
#include <string.h>

_Static_assert(SECRET_SIZE == SIGN_IN_SERVICE_SECRET, "secrets are sealed with the service's");

/* An issuer of null switches it off. */
static enum err_code sign_in_far(struct ctl *c, json_t *resource, struct err *err) {
    if (!json_is_null(json_object_get(resource, "issuer")))
        return ctl_far_ask(c, "PATCH", "/sign-in", resource, NULL, err);
    json_decref(resource);
    return ctl_far_ask(c, "DELETE", "/sign-in", NULL, NULL, err);
}

/* Takes the resource over. */
static enum err_code sign_in_run(struct ctl *c, const struct ctl_workspace *w, json_t *resource,
                                 struct err *err) {
    if (c->far != NULL)
        return sign_in_far(c, resource, err);
    struct command cmd = {.type = COMMAND_SIGN_IN_SET, .workspace = w->id, .id = w->id, .resource = resource};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

static enum err_code sign_in_workspace(struct ctl *c, struct ctl_workspace *w, struct err *err) {
    return ctl_workspace_flag(c, w, err);
}

/* ---- what the flags say ---- */

/* The first line of a file; "-" is standard input. A secret on the command line would stand in the list of
 * processes.
 */
static enum err_code read_secret(const char *file, char out[SIGN_IN_SECRET_MAX + 2], struct err *err) {
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
    if (f == NULL)
        return err_set(err, ERR_USAGE, "--secret-file: %s cannot be read", file);
    bool read = fgets(out, SIGN_IN_SECRET_MAX + 2, f) != NULL;
    if (f != stdin)
        fclose(f);
    if (!read)
        return err_set(err, ERR_USAGE, "--secret-file: %s is empty", file);
    out[strcspn(out, "\r\n")] = '\0';
    return sign_in_check_secret(out, err);
}

static enum err_code put_client_secret(struct ctl *c, const struct ctl_workspace *w, json_t *out,
                                       struct err *err) {
    const char *file = ctl_flag(c->args, "secret-file");
    unsigned char service[SECRET_SIZE];
    char secret[SIGN_IN_SECRET_MAX + 2];
    if (file == NULL)
        return ERR_OK;
    if (strcmp(file, "none") == 0) {
        jsonx_put(out, c->far != NULL ? "clientSecret" : "secret", json_null());
        return ERR_OK;
    }
    if (read_secret(file, secret, err) != ERR_OK)
        return err->code;
    if (c->far != NULL) { /* the service seals it */
        jsonx_put(out, "clientSecret", json_string(secret));
        return ERR_OK;
    }
    if (secret_read(c->db, SECRET_SEAL, service, err) != ERR_OK)
        return err->code;
    struct arena *a = arena_new();
    jsonx_put(out, "secret", json_string(sign_in_seal(secret, service, w->id.s, a)));
    arena_free(a);
    return ERR_OK;
}

/* "ana@example.com=Olga" or "sub:00u1=Olga": who, and the id or name of the owner that he is here. */
static enum err_code put_person(struct ctl *c, const struct ctl_workspace *w, const char *text, size_t n,
                                json_t *people, struct err *err) {
    char one[600], *equals;
    struct ctl_credential owner;
    snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), text);
    equals = strrchr(one, '=');
    if (equals == NULL || equals == one || equals[1] == '\0')
        return err_set(err, ERR_USAGE, "--people: \"%.60s\" is none of ADDRESS=OWNER or sub:SUBJECT=OWNER",
                       one);
    *equals = '\0';
    if (ctl_credential_find(c, CTL_OWNER, equals + 1, w, &owner, err) != ERR_OK)
        return err->code;
    bool subject = strncmp(one, "sub:", 4) == 0;
    json_t *person = json_object();
    jsonx_put(person, subject ? "subject" : "email", json_string(subject ? one + 4 : one));
    jsonx_put(person, "owner", json_string(owner.id.s));
    jsonx_push(people, person);
    return ERR_OK;
}

static enum err_code put_people(struct ctl *c, const struct ctl_workspace *w, json_t *out, struct err *err) {
    const char *text = ctl_flag(c->args, "people");
    if (text == NULL)
        return ERR_OK;
    json_t *people = json_array();
    jsonx_put(out, "people", people);
    if (strcmp(text, "none") == 0)
        return ERR_OK;
    for (size_t n; *text != '\0'; text += n + (text[n] == ',')) {
        n = strcspn(text, ",");
        if (put_person(c, w, text, n, people, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

static enum err_code read_flags(struct ctl *c, const struct ctl_workspace *w, json_t *out, struct err *err) {
    const char *issuer = ctl_flag(c->args, "issuer"), *client = ctl_flag(c->args, "client-id");
    if (issuer != NULL)
        jsonx_put(out, "issuer", json_string(issuer));
    if (client != NULL)
        jsonx_put(out, "clientId", json_string(client));
    if (put_people(c, w, out, err) != ERR_OK || sign_in_check(out, err) != ERR_OK ||
        put_client_secret(c, w, out, err) != ERR_OK)
        return err->code;
    return json_object_size(out) > 0
               ? ERR_OK
               : err_set(err, ERR_USAGE,
                         "there is nothing to change: --issuer, --client-id, --secret-file or --people");
}

/* ---- commands ---- */

enum err_code ctl_sign_in_set(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    if (sign_in_workspace(c, &w, err) != ERR_OK)
        return err->code;
    json_t *given = json_object(), *out;
    enum err_code code = read_flags(c, &w, given, err);
    out = sign_in_normal(given);
    json_decref(given);
    if (code != ERR_OK) {
        json_decref(out);
        return code;
    }
    if (sign_in_run(c, &w, out, err) != ERR_OK)
        return err->code;
    if (c->json)
        jb_printf(&c->out, "{\"signIn\":{\"workspace\":\"%s\",\"set\":true}}\n", w.id.s);
    else
        jb_printf(&c->out, "workspace %s \"%s\": who is on the list may sign in by the provider\n", w.id.s,
                  w.name);
    return ERR_OK;
}

enum err_code ctl_sign_in_off(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    if (sign_in_workspace(c, &w, err) != ERR_OK)
        return err->code;
    json_t *out = json_object();
    jsonx_put(out, "issuer", json_null());
    if (sign_in_run(c, &w, out, err) != ERR_OK)
        return err->code;
    if (c->json)
        jb_printf(&c->out, "{\"signIn\":{\"workspace\":\"%s\",\"set\":false}}\n", w.id.s);
    else
        jb_printf(&c->out,
                  "workspace %s \"%s\": nobody signs in by a provider; sessions that are open go on\n",
                  w.id.s, w.name);
    return ERR_OK;
}

static void print_people(struct ctl *c, const json_t *doc) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(doc, "people"), i, one) {
        const char *mail = json_string_value(json_object_get(one, "email")),
                   *subject = json_string_value(json_object_get(one, "subject"));
        jb_printf(&c->out, "  %s%s is %s\n", mail != NULL ? "" : "sub:", mail != NULL ? mail : subject,
                  json_string_value(json_object_get(one, "owner")));
    }
}

/* How it is set now, or NULL; a new reference. */
static enum err_code read_sign_in(struct ctl *c, const struct ctl_workspace *w, json_t **doc,
                                  struct err *err) {
    struct db_result *r = NULL;
    const char *params[] = {w->id.s};
    if (db_run(c->db, SQL_CTL_LIST_SIGN_IN, params, &r, err) != ERR_OK)
        return err->code;
    *doc = db_rows(r) > 0 ? json_loads(db_text(r, 0, 0), 0, NULL) : NULL;
    db_results_free(&r, 1);
    return ERR_OK;
}

/* The service shows an empty one where there is none, what the provider must be told, and more of each owner.
 */
static enum err_code read_sign_in_far(struct ctl *c, json_t **doc, struct err *err) {
    if (ctl_far_ask(c, "GET", "/sign-in", NULL, doc, err) != ERR_OK)
        return err->code;
    json_t *one;
    size_t i;
    json_object_del(*doc, "redirectUri");
    json_array_foreach(json_object_get(*doc, "people"), i, one)
        jsonx_put(one, "owner", jsonx_copy(json_object_get(json_object_get(one, "owner"), "id")));
    if (json_is_string(json_object_get(*doc, "issuer")))
        return ERR_OK;
    json_decref(*doc);
    *doc = NULL;
    return ERR_OK;
}

static void print_sign_in(struct ctl *c, const json_t *doc) {
    bool secret = json_is_true(json_object_get(doc, "hasSecret"));
    if (doc == NULL) {
        jb_raw(&c->out, "nobody signs in by a provider\n");
        return;
    }
    jb_printf(&c->out, "issuer    %s\nclient    %s, %s\n", ctl_or(ctl_text(doc, "issuer"), "-"),
              ctl_or(ctl_text(doc, "clientId"), "-"), secret ? "with a secret" : "without a secret");
    print_people(c, doc);
}

enum err_code ctl_sign_in_show(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    json_t *doc = NULL;
    enum err_code code = sign_in_workspace(c, &w, err);
    if (code == ERR_OK)
        code = c->far != NULL ? read_sign_in_far(c, &doc, err) : read_sign_in(c, &w, &doc, err);
    if (code == ERR_OK && c->json) {
        jb_raw(&c->out, "{\"signIn\":");
        jsonx_text_sorted(doc, &c->out);
        jb_raw(&c->out, "}\n");
    } else if (code == ERR_OK) {
        print_sign_in(c, doc);
    }
    json_decref(doc);
    return code;
}
