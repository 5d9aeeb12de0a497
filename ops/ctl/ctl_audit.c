/* usherctl audit check and prove: proofs that somebody else can check. */
#include "ops/ctl/ctl_audit.h"
#include "ops/ctl/ctl_far.h"

#include "ops/runtime/mem.h"
#include "schemas/proof/tlog_proof.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err_code ctl_audit_keys(const char *text, struct ctl_audit_keys *out, struct err *err) {
    enum err_code code = ERR_OK;
    char *copy = xstrdup(text), *rest = copy;
    *out = (struct ctl_audit_keys){.given = true};
    for (char *word; code == ERR_OK && (word = strsep(&rest, ",")) != NULL;) {
        if (out->n == CTL_AUDIT_KEYS)
            code = err_set(err, ERR_USAGE, "--key takes %d keys at most", CTL_AUDIT_KEYS);
        else
            code = note_vkey_parse(word, &out->keys[out->n++], err);
    }
    free(copy);
    return code == ERR_INVALID_VALUE ? err_set(err, ERR_USAGE, "--key: %s", err_text(err)) : code;
}

enum err_code ctl_audit_read(const char *file, size_t most, char **text, size_t *n, struct err *err) {
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
    if (f == NULL)
        return err_set(err, ERR_USAGE, "%s cannot be read", file);
    *text = xmalloc(most + 2);
    *n = fread(*text, 1, most + 1, f);
    bool good = ferror(f) == 0;
    if (f != stdin)
        fclose(f);
    (*text)[*n <= most ? *n : most] = '\0';
    if (good && *n <= most)
        return ERR_OK;
    free(*text);
    *text = NULL;
    return good ? err_set(err, ERR_USAGE, "%s has more than %zu bytes", file, most)
                : err_set(err, ERR_USAGE, "%s cannot be read", file);
}

/* ---- check ---- */

static void show_checked(struct ctl *c, const struct tlog_proof *p, const struct checkpoint *head,
                         const struct note_key *signer) {
    if (!c->json) {
        jb_printf(&c->out,
                  "The record is number %" PRIu64 " of %" PRIu64 " in %s,\nsigned by %s (%08" PRIx32 "):\n",
                  p->index, head->size, head->origin, signer->name, signer->id);
        jb_mem(&c->out, p->record, p->nrecord);
        jb_raw(&c->out, "\n");
        return;
    }
    jb_raw(&c->out, "{\"checked\":{");
    jb_kstr(&c->out, "origin", head->origin);
    jb_kint(&c->out, "size", (int64_t)head->size);
    jb_kint(&c->out, "index", (int64_t)p->index);
    jb_kstr(&c->out, "signer", signer->name);
    jb_key(&c->out, "record");
    jb_strn(&c->out, p->record, p->nrecord);
    jb_raw(&c->out, "}}\n");
}

enum err_code ctl_audit_check(struct ctl *c, struct err *err) {
    const char *text;
    struct ctl_audit_keys keys;
    struct tlog_proof p;
    struct checkpoint head;
    const struct note_key *signer;
    char *file;
    size_t n;
    enum err_code code = ctl_flag_required(c->args, "key", &text, err);
    if (code == ERR_OK)
        code = ctl_audit_keys(text, &keys, err);
    if (code == ERR_OK)
        code = ctl_audit_read(c->args->words[2], TLOG_PROOF_MAX, &file, &n, err);
    if (code != ERR_OK)
        return code;
    struct arena *a = arena_new();
    code = tlog_proof_parse(file, n, a, &p, err);
    if (code == ERR_OK)
        code = tlog_proof_check(&p, keys.keys, keys.n, &head, &signer, err);
    if (code == ERR_OK)
        show_checked(c, &p, &head, signer);
    arena_free(a);
    free(file);
    return code;
}

/* ---- prove ---- */

enum err_code ctl_audit_workspace(struct ctl *c, struct ctl_workspace *w, struct err *err) {
    return ctl_workspace_flag(c, w, err);
}

enum err_code ctl_audit_whose(struct ctl *c, const char *given, struct ctl_workspace *w, struct err *err) {
    if (strcmp(given, "operator") != 0)
        return ctl_workspace_find(c, given, w, err);
    *w = (struct ctl_workspace){.name = "operator"};
    return uuid_parse(UUID_NIL, &w->id) ? ERR_OK : err_set(err, ERR_INTERNAL, "%s", UUID_NIL);
}

/* A change's ce_id names its workspace; of everything else --workspace does. */
static enum err_code workspace_of(struct ctl *c, const char *id, struct ctl_workspace *w, struct err *err) {
    char head[sizeof w->id.s];
    const char *slash = strchr(id, '/');
    if (ctl_flag(c->args, "workspace") == NULL && slash != NULL && slash - id == sizeof head - 1) {
        memcpy(head, id, sizeof head - 1);
        head[sizeof head - 1] = '\0';
        return ctl_workspace_find(c, head, w, err);
    }
    return ctl_audit_workspace(c, w, err);
}

static enum err_code pick(struct ctl *c, const char *id, const struct audit_records *found,
                          const struct audit_record **out, struct err *err) {
    if (found->n == 0)
        return err_set(err, ERR_NOT_FOUND,
                       "the archive has no record %s (it may be seconds behind, or have dropped it)", id);
    if (found->n == 1) {
        *out = &found->rows[0];
        return ERR_OK;
    }
    struct jbuf events = {0};
    for (size_t i = 0; i < found->n && i < 6; i++)
        jb_printf(&events, "%s%s", i > 0 ? ", " : "", found->rows[i].event);
    (void)err_set(err, ERR_CONFLICT, "%zu records have the txn %s; give the id of one: %s%s", found->n, id,
                  events.p, found->n > 6 ? ", …" : "");
    jb_free(&events);
    (void)c;
    return err->code;
}

static void show_proof(struct ctl *c, const char *proof) {
    if (!c->json) {
        jb_raw(&c->out, proof);
        return;
    }
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "proof", proof);
    jb_raw(&c->out, "}\n");
}

/* Ids of records have slashes, which are parts of the path. */
static enum err_code prove_far(struct ctl *c, const char *id, struct err *err) {
    char *path, *text = NULL;
    for (const char *p = id; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && strchr("-/._:", *p) == NULL)
            return err_set(err, ERR_USAGE, "\"%s\" is no id of a record", id);
    path = xasprintf("/audit/proof/%s", id);
    enum err_code code = ctl_far_read(c, path, NULL, &text, err);
    if (code == ERR_OK)
        show_proof(c, text);
    free(text);
    free(path);
    return code;
}

enum err_code ctl_audit_prove(struct ctl *c, struct err *err) {
    const char *id = c->args->words[2];
    struct ctl_workspace w;
    struct audit_records found;
    const struct audit_record *record = NULL;
    struct uuid txn;
    struct jbuf proof = {0};
    if (workspace_of(c, id, &w, err) != ERR_OK)
        return err->code;
    if (c->far != NULL)
        return prove_far(c, id, err);
    struct arena *a = arena_new();
    enum err_code code = audit_begin(c->db, w.id.s, err);
    if (code == ERR_OK)
        code = uuid_parse(id, &txn) ? audit_by_txn(c->db, w.id.s, txn.s, a, &found, err)
                                    : audit_by_event(c->db, w.id.s, id, a, &found, err);
    if (code == ERR_OK)
        code = pick(c, id, &found, &record, err);
    if (code == ERR_OK)
        code = audit_prove(c->db, w.id.s, record, &proof, err);
    if (code == ERR_OK)
        show_proof(c, proof.p);
    audit_end(c->db);
    jb_free(&proof);
    arena_free(a);
    return code;
}
