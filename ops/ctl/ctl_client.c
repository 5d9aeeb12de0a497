/* usherctl key set, and the flags that it shares with key create: --jwks and --jwks-uri (how an OAuth client
 * authenticates with a private key), and --dry-run. */
#include "ops/ctl/ctl_client.h"

#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"
#include "ops/runtime/mem.h"
#include "schemas/api/key_set.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

static bool is_none(const char *text) {
    return text == NULL || strcmp(text, "none") == 0;
}

/* The file is read and checked here, so that a mistake is seen before a command is made of it. */
static enum err_code read_file(const char *file, json_t **out, struct err *err) {
    json_error_t why;
    json_t *jwks = json_load_file(file, JSON_REJECT_DUPLICATES, &why);
    if (jwks == NULL)
        return err_set(err, ERR_USAGE, "--jwks: %s: %s", file, why.text);
    struct key_set *set = key_set_upload(jwks, err);
    json_decref(jwks);
    if (set == NULL)
        return err->code;
    *out = key_set_json(set);
    key_set_free(set);
    return ERR_OK;
}

enum err_code ctl_client_read(const struct ctl_args *a, json_t *key, struct err *err) {
    static const char *const answers[] = {"yes", "no", NULL};
    const char *file = ctl_flag(a, "jwks"), *uri = ctl_flag(a, "jwks-uri"), *dry = ctl_flag(a, "dry-run");
    json_t *jwks = NULL;
    if (dry != NULL && ctl_value_choice("dry-run", dry, answers, err) != ERR_OK)
        return err->code;
    if (!is_none(file) && !is_none(uri))
        return err_set(err, ERR_USAGE, "--jwks and --jwks-uri exclude each other");
    if (!is_none(file) && read_file(file, &jwks, err) != ERR_OK)
        return err->code;
    if (!is_none(uri) && key_set_check_uri(uri, err) != ERR_OK)
        return err->code;
    if (file != NULL)
        jsonx_put(key, "jwks", jwks != NULL ? jwks : json_null());
    if (uri != NULL)
        jsonx_put(key, "jwksUri", is_none(uri) ? json_null() : json_string(uri));
    if (dry != NULL)
        jsonx_put(key, "dryRun", json_boolean(strcmp(dry, "yes") == 0));
    return ERR_OK;
}

static void show_set(struct ctl *c, const struct ctl_credential *k) {
    if (!c->json) {
        jb_printf(&c->out, "key      %s \"%s\" is changed\n", k->id.s, k->name);
        return;
    }
    jb_raw(&c->out, "{\"key\":{");
    jb_kstr(&c->out, "id", k->id.s);
    jb_kstr(&c->out, "workspace", k->workspace.s);
    jb_kstr(&c->out, "name", k->name);
    jb_raw(&c->out, "}}\n");
}

/* Both take the change over. */
static enum err_code set_near(struct ctl *c, const struct ctl_credential *k, json_t *change,
                              struct err *err) {
    struct command cmd = {
        .type = COMMAND_KEY_SET, .workspace = k->workspace, .id = k->id, .resource = change};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

static enum err_code set_far(struct ctl *c, const struct ctl_credential *k, json_t *change, struct err *err) {
    char *path = xasprintf("/keys/%s", k->id.s);
    enum err_code code = ctl_far_ask(c, "PATCH", path, change, NULL, err);
    free(path);
    return code;
}

enum err_code ctl_key_set(struct ctl *c, struct err *err) {
    struct ctl_credential k;
    json_t *change = json_object();
    enum err_code code = ctl_client_read(c->args, change, err);
    if (code == ERR_OK && json_object_size(change) == 0)
        code = err_set(err, ERR_USAGE, "name what is to be changed: --jwks, --jwks-uri or --dry-run");
    if (code == ERR_OK)
        code = ctl_credential_named(c, CTL_KEY, &k, err);
    if (code != ERR_OK) {
        json_decref(change);
        return code;
    }
    code = c->far != NULL ? set_far(c, &k, change, err) : set_near(c, &k, change, err);
    if (code == ERR_OK)
        show_set(c, &k);
    return code;
}
