/* Set-up links: for whoever sets up an identity provider and has no credential here. */
#include "ingest/api/admin.h"
#include "ingest/api/api.h"
#include "ingest/portal/handlers.h"
#include "ingest/request/answer.h"
#include "ingest/request/cookie.h"
#include "ingest/request/handle.h"
#include "ingest/request/place.h"
#include "ops/runtime/clock.h"
#include "sql/ask/pass.h"
#include "sql/ask/query.h"

#include <string.h>

#define DIALECT_MAX 40

struct link_question {
    struct question question; /* the first member */
    struct pass pass;
    char token[TOKEN_TEXT_SIZE];
    const char *dialect; /* as the body says; NULL: the key's */
    struct err refusal;  /* code ERR_OK: there is none */
};

static struct link_question *link_of(const struct request *r) {
    return r->work;
}

static enum err_code ask_link(struct question *q, struct db *db, struct err *err) {
    struct link_question *l = (struct link_question *)q;
    enum err_code code = pass_open(db, &l->pass, err);
    if (code != ERR_CONFLICT)
        return code;
    l->refusal = *err;
    return ERR_OK;
}

/* The name of a guide. The page has more guides than there are dialects; a name that it does not know shows
 * the general one. */
static enum err_code read_guide(const json_t *body, const char **dialect, struct err *err) {
    const json_t *given = json_object_get(body, "dialect");
    const char *text = json_string_value(given);
    *dialect = text;
    if (given == NULL || json_is_null(given))
        return ERR_OK;
    size_t n = text != NULL ? strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;
    if (n == 0 || n > DIALECT_MAX || text[n] != '\0')
        return err_set_path(err, ERR_INVALID_VALUE, "dialect",
                            "dialect is the name of a guide, of lower-case letters, such as entra or okta");
    return ERR_OK;
}

static enum err_code read_link(struct request *r, struct link_question *l, struct err *err) {
    static const char *const members[] = {"key", "dialect", NULL};
    json_t *body;
    if (api_body(r, false, &body, err) != ERR_OK || admin_members(body, members, err) != ERR_OK ||
        read_guide(body, &l->dialect, err) != ERR_OK)
        return err->code;
    const char *key = json_string_value(json_object_get(body, "key"));
    if (key == NULL || !uuid_parse(key, &r->resource_id))
        return err_set_path(err, ERR_INVALID_VALUE, "key", "key must be the id of a key");
    return ERR_OK;
}

static enum step link_begin(struct request *r) {
    struct link_question *l = arena_alloc(r->arena, sizeof *l);
    struct err err = {0};
    if (!cookie_is_safe(r))
        (void)err_set(&err, ERR_CONFLICT,
                      "A link leads to the portal, which is opened over HTTPS; the operator sets public-url");
    if (err.code != ERR_OK || read_link(r, l, &err) != ERR_OK)
        return handle_refuse(r, &err);
    r->work = l;
    struct db_query *q = api_query(r, QUERY_KEYS);
    q->p[0] = r->resource_id.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

static enum step make_link(struct request *r) {
    struct link_question *l = link_of(r);
    const char *const *key = r->db_query->rows[0];
    const struct settings *s = &r->in->settings;
    l->question = (struct question){.ask = ask_link, .durable = true};
    l->dialect = l->dialect != NULL ? l->dialect : key[COL_KEY_DIALECT];
    l->pass = (struct pass){.kind = PASS_SETUP_LINK,
                            .workspace = r->verdict.workspace.s,
                            .owner = r->verdict.key.s,
                            .id = uuid_v7(),
                            .key = key[COL_KEY_ID],
                            .dialect = l->dialect,
                            .way = "admin",
                            .source = r->head.source_ip,
                            .seconds = s->link_seconds,
                            .most = s->workspace_links};
    token_new(TOKEN_LINK, l->token);
    token_hash(l->token, strlen(l->token), l->pass.token_hash);
    r->question = &l->question;
    return STEP_ASK;
}

static enum step show_link(struct request *r) {
    const struct link_question *l = link_of(r);
    const char *const *key = r->db_query->rows[0];
    if (l->refusal.code != ERR_OK)
        return handle_refuse(r, &l->refusal);
    struct jbuf *b = answer_begin(r, 201);
    r->answer.no_store = true;
    r->answer.location = arena_printf(r->arena, "%s/admin/sessions/%s", r->base, l->pass.id.s);
    jb_raw(b, "{");
    jb_kstr(b, "id", l->pass.id.s);
    jb_kstr(b, "link", arena_printf(r->arena, "%s/portal#link=%s", place_origin(r), l->token));
    jb_key(b, "key");
    jb_raw(b, "{");
    jb_kstr(b, "id", key[COL_KEY_ID]);
    jb_kstr(b, "name", key[COL_KEY_NAME]);
    jb_raw(b, "}");
    jb_kstr(b, "dialect", l->dialect);
    api_put_time(b, "expires", clock_wall_us() + l->pass.seconds * INT64_C(1000000));
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

static enum step link_on_rows(struct request *r) {
    struct err err = {0};
    if (r->question != NULL)
        return show_link(r);
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Key", r->resource_id.s);
    if (r->db_query->rows[0][COL_KEY_REVOKED] == NULL)
        return make_link(r);
    (void)err_set(&err, ERR_CONFLICT, "The key is revoked; make another one, and a link for that");
    return handle_refuse(r, &err);
}

const struct handler admin_setup_link = {.begin = link_begin, .on_rows = link_on_rows};
