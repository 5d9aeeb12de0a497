#include "ingest/api/api.h"
#include "ingest/api/handlers.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "ops/runtime/hs256.h"
#include "schemas/text/fold.h"
#include "schemas/voice/voice_grant.h"
#include "schemas/voice/voice_name.h"
#include "sql/ask/query.h"

#include <stdlib.h>
#include <string.h>

/* ---- who wants to come in ---- */

/* {"user": id} or {"userName": text}. The one that is not named is NULL. */
static enum err_code read_person(struct request *r, const char **user, const char **user_name,
                                 struct err *err) {
    const char *name;
    json_t *body, *value;
    *user = *user_name = NULL;
    if (api_body(r, false, &body, err) != ERR_OK)
        return err->code;
    json_object_foreach(body, name, value) {
        const char **into = strcmp(name, "user") == 0       ? user
                            : strcmp(name, "userName") == 0 ? user_name
                                                            : NULL;
        if (into == NULL)
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no member \"%.100s\" here", name);
        if (!json_is_string(value) || json_string_length(value) == 0)
            return err_set_path(err, ERR_INVALID_VALUE, name, "%s is a text", name);
        *into = json_string_value(value);
    }
    if ((*user == NULL) == (*user_name == NULL))
        return err_set_path(err, ERR_INVALID_VALUE, "user", "Either user or userName says who comes in");
    return ERR_OK;
}

static enum step voice_token_begin(struct request *r) {
    struct err err = {0};
    struct uuid room, id;
    const char *user, *user_name;
    if (voice_project_of(&r->in->settings.voice, r->verdict.workspace.s) == NULL) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "No voice server is set up for this workspace (settings livekit-url, livekit-key, "
                      "livekit-secret-file of usher-ingest)");
        return handle_refuse(r, &err);
    }
    if (!uuid_parse(r->route.segment, &room))
        return api_not_found(r, "Room", r->route.segment);
    if (read_person(r, &user, &user_name, &err) != ERR_OK)
        return handle_refuse(r, &err);
    if (user != NULL && !uuid_parse(user, &id))
        return api_not_found(r, "User", user);
    struct db_query *q = api_query(r, QUERY_VOICE);
    q->p[0] = arena_strdup(r->arena, room.s);
    q->p[1] = user != NULL ? arena_strdup(r->arena, id.s) : NULL;
    if (user_name != NULL) {
        char *folded = fold_text(user_name);
        q->p[2] = folded;
        arena_defer(r->arena, free, folded);
    }
    return STEP_QUERY;
}

/* ---- may he? ---- */

static enum err_code may_enter(const char *const *row, const char *room, struct err *err) {
    if (row == NULL || row[COL_VOICE_ROOM] == NULL)
        return err_set(err, ERR_NOT_FOUND, "Room %.100s not found", room);
    if (row[COL_VOICE_USER] == NULL)
        return err_set(err, ERR_NOT_FOUND, "There is no such user");
    if (!db_cell_bool(row[COL_VOICE_ACTIVE]))
        return err_set(err, ERR_CONFLICT, "The user is inactive%s",
                       row[COL_VOICE_TRANSMIT] != NULL ? ": the membership is held until he is active again"
                                                       : "");
    if (row[COL_VOICE_TRANSMIT] == NULL)
        return err_set(err, ERR_FORBIDDEN, "The user is no member of the room");
    if (db_cell_bool(row[COL_VOICE_HELD]))
        return err_set(err, ERR_CONFLICT, "The membership is held");
    return ERR_OK;
}

/* ---- the answer ---- */

static void put_token(struct request *r, const struct voice_project *p, const char *const *row) {
    char room[VOICE_NAME_MAX];
    const char *display = row[COL_VOICE_DISPLAY];
    struct voice_join join = {
        .key = p->key,
        .room = voice_name_make(p->form, r->verdict.workspace.s, row[COL_VOICE_ROOM], room),
        .identity = row[COL_VOICE_USER],
        .name = display != NULL && display[0] != '\0' ? display : row[COL_VOICE_NAME],
        .id = r->txn.s,
        .transmit = db_cell_bool(row[COL_VOICE_TRANSMIT]),
        .at = {db_cell_int(row[COL_VOICE_EPOCH]), db_cell_int(row[COL_VOICE_SEQ])},
        .now_s = r->wall_us / 1000000,
    };
    struct jbuf claims = {0}, token = {0};
    join.expires_s = join.now_s + r->in->settings.voice_token_s;
    voice_join_claims(&join, &claims);
    hs256_sign(p->secret, claims.p, claims.n, &token);
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "token", token.p);
    jb_kstr(b, "url", p->url);
    jb_kstr(b, "room", join.room);
    jb_kstr(b, "identity", join.identity);
    jb_kbool(b, "transmit", join.transmit);
    api_put_time(b, "expires", join.expires_s * 1000000);
    jb_raw(b, "}");
    r->answer.no_store = true;
    jb_free(&claims);
    jb_free(&token);
}

/* The record of the request says for whom the token was, or would have been. */
static enum step voice_token_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    const char *const *row = q->nrows > 0 ? q->rows[0] : NULL;
    struct err err = {0};
    r->route.user = row != NULL ? row[COL_VOICE_USER] : NULL;
    if (may_enter(row, r->route.segment, &err) != ERR_OK)
        return handle_refuse(r, &err);
    put_token(r, voice_project_of(&r->in->settings.voice, r->verdict.workspace.s), row);
    return STEP_ANSWERED;
}

const struct handler api_voice_token = {.begin = voice_token_begin, .on_rows = voice_token_on_rows};
