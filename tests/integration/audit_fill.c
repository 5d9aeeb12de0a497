/* audit_fill WORKSPACE COUNT [PROOFS]: what an archive would hold of a workspace with so many changes and as
 * many requests, as lines of JSON on standard output: leaves, nodes, and signed heads (one after every 1,000
 * leaves and one at the end). Key and times are the same each time. With PROOFS, of every PROOFS-th leaf and
 * head the proof too: for a foreign program that checks them. */
#include "ops/runtime/clock.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "schemas/proof/note.h"
#include "schemas/proof/tlog_proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_EVERY 500
#define LEVELS 32

static const unsigned char seed[ED25519_SEED_SIZE] = "a seed for tests, thirty-two of.";
static const char *workspace, *tree_name;
static uint64_t count, proofs;
static struct note_key key;
static struct tree_hash *nodes[LEVELS];

static void print(struct jbuf *b) {
    jb_raw(b, "}\n");
    fputs(b->p, stdout);
    jb_reset(b);
}

static void begin(struct jbuf *b, const char *what) {
    jb_raw(b, "{");
    jb_kstr(b, "what", what);
    jb_kstr(b, "tree", tree_name);
}

static void put_hash(struct jbuf *b, const char *name, const struct tree_hash *h) {
    char hex[2 * TREE_HASH_SIZE + 1];
    for (size_t i = 0; i < TREE_HASH_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", h->bytes[i]);
    jb_kstr(b, name, hex);
}

static void keep(void *ctx, unsigned level, uint64_t index, const struct tree_hash *h) {
    struct jbuf *b = ctx;
    nodes[level][index] = *h;
    begin(b, "node");
    jb_kint(b, "level", level);
    jb_kint(b, "index", (int64_t)index);
    put_hash(b, "hash", h);
    print(b);
}

static bool get(void *ctx, unsigned level, uint64_t index, struct tree_hash *out) {
    (void)ctx;
    *out = nodes[level][index];
    return true;
}

static void put_common(struct jbuf *b, uint64_t i, const char *kind) {
    char time[RFC3339_SIZE];
    jb_raw(b, "{");
    jb_kstr(b, "kind", kind);
    jb_kstr(b, "workspace", workspace);
    jb_kstr(b, "time", rfc3339_us(clock_wall_us(), time));
    jb_key(b, "txn");
    jb_printf(b, "\"0193a1c2-4d5e-7f60-8a9b-%012" PRIx64 "\"", i / 2);
}

static void put_change(struct jbuf *b, uint64_t i) {
    put_common(b, i, "change");
    jb_kint(b, "epoch", 1);
    jb_kint(b, "seq", (int64_t)i + 1);
    jb_kraw(b, "actor",
            "{\"kind\":\"key\",\"id\":\"0188e9d0-5566-7778-899a-abbccddeeff0\",\"name\":\"Entra\"}");
    /* A seat as of now, in every fourth; and as of versions up to 0.3.0, in every second. */
    jb_kstr(b, "action", i % 2 == 0 ? "user.created" : "seat.taken");
    if (i % 4 == 0)
        jb_kstr(b, "seat", "taken");
    jb_key(b, "target");
    jb_printf(
        b, "{\"type\":\"User\",\"id\":\"01905c4b-1122-7334-9556-%012" PRIx64 "\",\"name\":\"u%" PRIu64 "\"}",
        i, i);
    jb_kraw(b, "subject", "null");
    jb_kstr(b, "outcome", "applied");
    jb_kraw(b, "reason", "null");
    /* A client's value that looks like it, in records that say nothing of a seat. */
    jb_kraw(b, "changes",
            i % 4 == 2 ? "[{\"path\":\"urn:x:y\",\"op\":\"add\",\"from\":null,\"to\":{\"seat\":\"taken\","
                         "\"target\":{\"seat\":\"freed\"}}}]"
                       : "[]");
    jb_raw(b, "}");
}

static void put_request(struct jbuf *b, uint64_t i) {
    bool limited = i % 97 == 0;
    put_common(b, i, "request");
    jb_kstr(b, "workspaceName", "filled");
    jb_kstr(b, "instance", "fill-1");
    jb_kint(b, "n", (int64_t)i + 1);
    jb_kraw(b, "key",
            "{\"id\":\"0188e9d0-5566-7778-899a-abbccddeeff0\",\"name\":\"Entra\",\"class\":\"scim\"}");
    jb_kstr(b, "method", "POST");
    jb_kstr(b, "path", "/scim/v2/Users");
    jb_kraw(b, "query", "null");
    jb_kint(b, "status", limited ? 429 : 201);
    jb_kraw(b, "error",
            limited ? "{\"code\":\"RATE_LIMITED\",\"detail\":\"=Rate \\\"limit\\\" exceeded\"}" : "null");
    jb_kraw(b, "scimType", "null");
    jb_kbool(b, "rateLimited", limited);
    jb_kint(b, "durationUs", 2710);
    jb_key(b, "sourceIp");
    jb_printf(b, "\"203.0.113.%" PRIu64 "\"", i % 250);
    jb_kstr(b, "userAgent", "fill/1.0");
    jb_kint(b, "bytesIn", 412);
    jb_kint(b, "bytesOut", 0);
    jb_kint(b, "operations", 1);
    jb_raw(b, "}");
}

static void print_leaf(struct jbuf *b, uint64_t i, const struct jbuf *bytes) {
    begin(b, "leaf");
    jb_kint(b, "n", (int64_t)i);
    jb_key(b, "bytes");
    jb_strn(b, bytes->p, bytes->n);
    print(b);
}

static void put_proof(struct jbuf *b, const struct tree_proof *p) {
    jb_kraw(b, "hashes", "[");
    for (size_t i = 0; i < p->n; i++) {
        char hex[2 * TREE_HASH_SIZE + 1];
        for (size_t j = 0; j < TREE_HASH_SIZE; j++)
            snprintf(hex + 2 * j, 3, "%02x", p->hashes[i].bytes[j]);
        jb_sep(b);
        jb_str(b, hex);
    }
    jb_raw(b, "]");
}

static void print_proofs(struct jbuf *b) {
    struct tree_proof p;
    for (uint64_t i = 0; i < count; i += proofs) {
        if (!tree_prove_inclusion(i, count, get, NULL, &p))
            abort();
        begin(b, "inclusion");
        jb_kint(b, "n", (int64_t)i);
        put_proof(b, &p);
        print(b);
        if (!tree_prove_consistency(i + 1, count, get, NULL, &p))
            abort();
        begin(b, "consistency");
        jb_kint(b, "size", (int64_t)i + 1);
        put_proof(b, &p);
        print(b);
    }
}

static void print_head(struct jbuf *b, const struct tree_range *t) {
    struct checkpoint c = {.size = t->size};
    struct jbuf note = {0};
    tree_root(t, &c.root);
    snprintf(c.origin, sizeof c.origin, "usher.example/audit/%s/%s", workspace, tree_name);
    checkpoint_put(&note, &c, &key, seed);
    begin(b, "checkpoint");
    jb_kint(b, "size", (int64_t)t->size);
    put_hash(b, "root", &c.root);
    jb_kstr(b, "note", note.p);
    print(b);
    jb_free(&note);
}

static void print_tree(struct jbuf *b, void (*put)(struct jbuf *b, uint64_t i)) {
    struct tree_range t = {0};
    struct jbuf bytes = {0};
    for (uint64_t i = 0; i < count; i++) {
        struct tree_hash leaf;
        jb_reset(&bytes);
        put(&bytes, i);
        print_leaf(b, i, &bytes);
        tree_leaf_hash(bytes.p, bytes.n, &leaf);
        tree_append(&t, &leaf, keep, b);
        if (t.size % HEAD_EVERY == 0 || t.size == count)
            print_head(b, &t);
    }
    if (proofs > 0)
        print_proofs(b);
    jb_free(&bytes);
}

int main(int argc, char **argv) {
    unsigned char public_key[ED25519_PUBLIC_SIZE];
    struct jbuf b = {0};
    if (argc < 3)
        return 2;
    workspace = argv[1];
    count = strtoull(argv[2], NULL, 10);
    proofs = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    ed25519_public(seed, public_key);
    if (!note_key_make(&key, "usher.example/audit", public_key))
        return 1;
    for (size_t level = 0; level < LEVELS; level++)
        nodes[level] = xcalloc((count >> level) + 1, sizeof **nodes);
    tree_name = "";
    begin(&b, "key");
    struct jbuf vkey = {0};
    note_vkey_put(&vkey, &key);
    jb_kstr(&b, "vkey", vkey.p);
    struct tree_hash raw;
    memcpy(raw.bytes, public_key, sizeof raw.bytes);
    put_hash(&b, "public", &raw);
    print(&b);
    tree_name = "changes";
    print_tree(&b, put_change);
    tree_name = "requests";
    print_tree(&b, put_request);
    return 0;
}
