/* usherctl audit follow: records as the archive gets them, in the order of its trees. */
#include "ops/ctl/ctl_audit.h"
#include "ops/ctl/ctl_far.h"

#include "schemas/text/jsonx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAGE 500
#define NEAR_PAUSE_MS 500
#define FAR_PAUSE_MS 2000 /* an owner has so many requests a minute, and other things to do */
#define FAR_LIMIT "200"
#define FOLLOW_PATH "/audit/follow"

static void follow_pause(int ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static enum err_code follow_flush(struct err *err) {
    return fflush(stdout) == 0 ? ERR_OK : err_set(err, ERR_INTERNAL, "cannot write to stdout");
}

/* ---- near ---- */

/* What is new in one tree. */
static enum err_code follow_tree(struct ctl *c, const struct ctl_workspace *w, struct audit_filter f,
                                 int tree, int64_t *next, int64_t end, struct err *err) {
    enum err_code code = ERR_OK;
    f.tree = tree;
    while (code == ERR_OK && *next < end) {
        struct arena *a = arena_new();
        struct audit_records found;
        code = audit_walk(c->db, w->id.s, &f, *next, end, PAGE, a, &found, err);
        for (size_t i = 0; code == ERR_OK && i < found.n; i++) {
            struct jbuf line = {0};
            if (c->json)
                jb_mem(&line, found.rows[i].bytes, found.rows[i].nbytes);
            else
                ctl_audit_print_record(&line, &found.rows[i]);
            printf("%s%s", line.p, c->json ? "\n" : "");
            jb_free(&line);
        }
        if (code == ERR_OK)
            *next = found.more ? found.rows[found.n - 1].n + 1 : end;
        arena_free(a);
    }
    return code;
}

static enum err_code follow_once(struct ctl *c, const struct ctl_workspace *w, const struct audit_filter *f,
                                 int64_t next[AUDIT_TREES], bool begin, struct err *err) {
    struct audit_tree trees[AUDIT_TREES];
    struct arena *a = arena_new();
    enum err_code code = audit_begin(c->db, w->id.s, err);
    if (code == ERR_OK)
        code = audit_trees(c->db, w->id.s, a, trees, err);
    for (int i = 0; code == ERR_OK && i < AUDIT_TREES; i++) {
        if (begin)
            next[i] = trees[i].size;
        else if (f->tree == 0 || f->tree == i + 1)
            code = follow_tree(c, w, *f, i + 1, &next[i], trees[i].size, err);
    }
    audit_end(c->db);
    arena_free(a);
    return code;
}

/* ---- from afar ---- */

/* Whoever follows from afar leaves a record with each look. They would be all that there is to see. */
static bool is_a_look(const struct ctl *c, const json_t *item) {
    const char *path = ctl_text(json_object_get(item, "record"), "path");
    return ctl_flag(c->args, "path") == NULL && path != NULL &&
           strcmp(path, "/api/v1/admin" FOLLOW_PATH) == 0;
}

static void show_item(const struct ctl *c, const json_t *item) {
    struct jbuf line = {0};
    const char *tree = ctl_or(ctl_text(item, "tree"), "");
    if (is_a_look(c, item))
        return;
    if (c->json)
        ctl_put_json(&line, item, "record");
    else
        ctl_audit_print(&line, strcmp(tree, audit_tree_name(AUDIT_CHANGES)) == 0,
                        json_object_get(item, "record"));
    printf("%s%s", line.p, c->json ? "\n" : "");
    jb_free(&line);
}

/* One answer, which says where the next one goes on. more: there is more already. */
static enum err_code ask_further(struct ctl *c, int64_t next[AUDIT_TREES], bool *more, struct err *err) {
    struct jbuf path = {0};
    char place[24];
    json_t *doc = NULL;
    const json_t *item;
    size_t i;
    ctl_audit_path(c, FOLLOW_PATH, &path);
    ctl_http_parameter(&path, "limit", FAR_LIMIT);
    for (int tree = 1; tree <= AUDIT_TREES; tree++) {
        snprintf(place, sizeof place, "%" PRId64, next[tree - 1]);
        if (next[tree - 1] >= 0)
            ctl_http_parameter(&path, audit_tree_name(tree), place);
    }
    enum err_code code = ctl_far_ask(c, "GET", path.p, NULL, &doc, err);
    jb_free(&path);
    if (code != ERR_OK)
        return code;
    json_array_foreach(json_object_get(doc, "items"), i, item) show_item(c, item);
    for (int tree = 1; tree <= AUDIT_TREES; tree++)
        next[tree - 1] = ctl_number(doc, audit_tree_name(tree));
    *more = json_is_true(json_object_get(doc, "more"));
    json_decref(doc);
    return ERR_OK;
}

static enum err_code follow_far(struct ctl *c, struct err *err) {
    int64_t next[AUDIT_TREES] = {-1, -1};
    enum err_code code = ERR_OK;
    bool more = false;
    while (code == ERR_OK) {
        code = ask_further(c, next, &more, err);
        if (code == ERR_RATE_LIMITED) { /* somebody else uses the same token: it is asked again */
            code = ERR_OK;
            more = false;
        }
        if (code == ERR_OK)
            code = follow_flush(err);
        if (code == ERR_OK && !more)
            follow_pause(FAR_PAUSE_MS);
    }
    return code;
}

/* From now on, until it is ended. */
enum err_code ctl_audit_follow(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    struct audit_filter f;
    struct arena *a = arena_new();
    int64_t next[AUDIT_TREES];
    enum err_code code = ctl_audit_open(c, &w, a, &f, err);
    if (code == ERR_OK && c->far != NULL)
        code = follow_far(c, err);
    for (bool begin = true; code == ERR_OK; begin = false) {
        code = follow_once(c, &w, &f, next, begin, err);
        if (code == ERR_OK)
            code = follow_flush(err);
        if (code == ERR_OK)
            follow_pause(NEAR_PAUSE_MS);
    }
    arena_free(a);
    return code;
}
