#include "schemas/proof/note.h"

#include "ops/runtime/base64.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/sha256.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#define DASH "\xe2\x80\x94 "     /* U+2014 and a blank begin a signature line */
#define TYPE_ED25519 1           /* the first byte of a public key */
#define ID_SIZE 4                /* the key's id stands before the signature */
#define SIGNATURE_MAX (4 + 8192) /* of any kind: post-quantum ones have some kilobytes */

static bool is_blank(const char *at) {
    ucs4_t c;
    u8_mbtouc(&c, (const uint8_t *)at, strlen(at));
    /* What Unicode calls white space. */
    return c <= ' ' || c == 0x7f || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool note_name_good(const char *name) {
    size_t n = strlen(name);
    if (n == 0 || n > NOTE_NAME_MAX || u8_check((const uint8_t *)name, n) != NULL)
        return false;
    for (const char *at = name; *at != '\0'; at += u8_strmblen((const uint8_t *)at))
        if (*at == '+' || is_blank(at))
            return false;
    return true;
}

static uint32_t number_of_id(const unsigned char p[ID_SIZE]) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool note_key_make(struct note_key *out, const char *name, const unsigned char key[ED25519_PUBLIC_SIZE]) {
    unsigned char hash[SHA256_SIZE];
    if (!note_name_good(name))
        return false;
    *out = (struct note_key){0};
    strcpy(out->name, name);
    memcpy(out->key, key, sizeof out->key);
    const struct sha256_part parts[] = {{name, strlen(name)}, {"\n\x01", 2}, {key, ED25519_PUBLIC_SIZE}};
    sha256_of(parts, 3, hash);
    out->id = number_of_id(hash);
    return true;
}

void note_vkey_put(struct jbuf *b, const struct note_key *k) {
    unsigned char typed[1 + ED25519_PUBLIC_SIZE] = {TYPE_ED25519};
    memcpy(typed + 1, k->key, ED25519_PUBLIC_SIZE);
    jb_printf(b, "%s+%08" PRIx32 "+", k->name, k->id);
    base64_put(b, typed, sizeof typed);
}

enum err_code note_vkey_parse(const char *text, struct note_key *out, struct err *err) {
    unsigned char typed[1 + ED25519_PUBLIC_SIZE];
    char name[NOTE_NAME_MAX + 1], id[2 * ID_SIZE + 1];
    size_t n;
    const char *first = strchr(text, '+');
    const char *second = first != NULL ? strchr(first + 1, '+') : NULL;
    if (second == NULL || (size_t)(first - text) > NOTE_NAME_MAX || second - first != 2 * ID_SIZE + 1)
        return err_set(err, ERR_INVALID_VALUE, "a key is written NAME+ID+BASE64");
    memcpy(name, text, (size_t)(first - text));
    name[first - text] = '\0';
    if (!base64_decode(second + 1, strlen(second + 1), typed, sizeof typed, &n) || n != sizeof typed ||
        typed[0] != TYPE_ED25519)
        return err_set(err, ERR_INVALID_VALUE, "the key is not one of Ed25519");
    if (!note_key_make(out, name, typed + 1))
        return err_set(err, ERR_INVALID_VALUE, "the key's name has a blank or a character that it must not");
    snprintf(id, sizeof id, "%08" PRIx32, out->id);
    if (strncmp(first + 1, id, 2 * ID_SIZE) != 0)
        return err_set(err, ERR_INVALID_VALUE, "the key's id does not belong to its name and key; it is %s",
                       id);
    return ERR_OK;
}

static void put_signed_text(struct jbuf *b, const struct checkpoint *c) {
    jb_printf(b, "%s\n%" PRIu64 "\n", c->origin, c->size);
    base64_put(b, c->root.bytes, sizeof c->root.bytes);
    jb_raw(b, "\n");
}

void note_signature_put(struct jbuf *b, const char *signed_text, size_t n, const struct note_key *key,
                        const unsigned char seed[ED25519_SEED_SIZE]) {
    unsigned char bytes[ID_SIZE + ED25519_SIGNATURE_SIZE] = {
        (unsigned char)(key->id >> 24), (unsigned char)(key->id >> 16), (unsigned char)(key->id >> 8),
        (unsigned char)key->id};
    ed25519_sign(seed, signed_text, n, bytes + ID_SIZE);
    jb_printf(b, DASH "%s ", key->name);
    base64_put(b, bytes, sizeof bytes);
    jb_raw(b, "\n");
}

void checkpoint_put(struct jbuf *b, const struct checkpoint *c, const struct note_key *key,
                    const unsigned char seed[ED25519_SEED_SIZE]) {
    struct jbuf text = {0};
    put_signed_text(&text, c);
    jb_mem(b, text.p, text.n);
    jb_raw(b, "\n");
    note_signature_put(b, text.p, text.n, key, seed);
    jb_free(&text);
}

/* ---- reading */

/* The line at *at, without its end, up to which *at is moved. NULL where there is none. */
static const char *next_line(const char **at, const char *end, size_t *n) {
    const char *line = *at;
    const char *stop = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
    if (stop == NULL)
        return NULL;
    *n = (size_t)(stop - line);
    *at = stop + 1;
    return line;
}

/* A note is UTF-8 without other controls than the ends of lines, and its end is one. The signatures begin
 * behind the last empty line. */
static bool split_note(const char *note, size_t n, size_t *ntext, const char **signatures) {
    if (n == 0 || n > NOTE_MAX || note[n - 1] != '\n' || u8_check((const uint8_t *)note, n) != NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)note[i] < ' ' && note[i] != '\n')
            return false;
    for (size_t i = n - 1; i-- > 1;) {
        if (note[i] == '\n' && note[i - 1] == '\n') {
            *ntext = i;
            *signatures = note + i + 1;
            return true;
        }
    }
    return false;
}

/* Decimal, without a sign and without zeros in front, below 2^63. */
static bool parse_size(const char *p, size_t n, uint64_t *out) {
    uint64_t v = 0;
    if (n == 0 || n > 19 || (n > 1 && p[0] == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = 10 * v + (uint64_t)(p[i] - '0');
    }
    *out = v;
    return v >> TREE_LEVELS == 0;
}

static bool parse_text(const char *text, size_t ntext, struct checkpoint *out) {
    const char *at = text, *end = text + ntext;
    size_t n, nroot;
    *out = (struct checkpoint){0};
    const char *line = next_line(&at, end, &n);
    if (line == NULL || n == 0 || n > NOTE_NAME_MAX)
        return false;
    memcpy(out->origin, line, n);
    line = next_line(&at, end, &n);
    if (line == NULL || !parse_size(line, n, &out->size))
        return false;
    line = next_line(&at, end, &n);
    if (line == NULL || !base64_decode(line, n, out->root.bytes, sizeof out->root.bytes, &nroot) ||
        nroot != sizeof out->root.bytes)
        return false;
    /* Extension lines are allowed and say nothing to us; an empty one is not. */
    while ((line = next_line(&at, end, &n)) != NULL)
        if (n == 0)
            return false;
    return at == end;
}

struct signature_line {
    const char *name;
    size_t nname;
    uint32_t id;
    const unsigned char *bytes; /* in the buffer that was given */
    size_t n;
};

static bool parse_signature(const char *line, size_t n, unsigned char *buffer, struct signature_line *out) {
    size_t dash = strlen(DASH), size;
    if (n < dash || memcmp(line, DASH, dash) != 0)
        return false;
    const char *name = line + dash;
    const char *blank = memchr(name, ' ', n - dash);
    if (blank == NULL || blank == name ||
        !base64_decode(blank + 1, (size_t)(line + n - blank - 1), buffer, SIGNATURE_MAX, &size) ||
        size <= ID_SIZE)
        return false;
    *out = (struct signature_line){.name = name,
                                   .nname = (size_t)(blank - name),
                                   .id = number_of_id(buffer),
                                   .bytes = buffer + ID_SIZE,
                                   .n = size - ID_SIZE};
    return true;
}

static bool is_of(const struct signature_line *s, const struct note_key *k) {
    return s->id == k->id && s->nname == strlen(k->name) && memcmp(s->name, k->name, s->nname) == 0;
}

static enum err_code check_signatures(const char *note, size_t ntext, const char *signatures, const char *end,
                                      const struct note_key *keys, size_t nkeys, unsigned char *buffer,
                                      const struct note_key **signer, struct err *err) {
    const char *at = signatures, *line;
    struct signature_line s;
    size_t n, lines = 0;
    while ((line = next_line(&at, end, &n)) != NULL) {
        if (++lines > NOTE_SIGNATURES_MAX || !parse_signature(line, n, buffer, &s))
            return err_set(err, ERR_INVALID_VALUE, "line %zu of the signatures is malformed", lines);
        for (size_t i = 0; i < nkeys; i++) {
            if (!is_of(&s, &keys[i]))
                continue;
            if (s.n != ED25519_SIGNATURE_SIZE || !ed25519_verify(keys[i].key, note, ntext, s.bytes))
                return err_set(err, ERR_INVALID_VALUE, "the signature of %s is wrong", keys[i].name);
            if (*signer == NULL)
                *signer = &keys[i];
        }
    }
    if (lines == 0)
        return err_set(err, ERR_INVALID_VALUE, "there is no signature");
    if (nkeys > 0 && *signer == NULL)
        return err_set(err, ERR_INVALID_VALUE, "none of the signatures is by the key that was given");
    return ERR_OK;
}

static enum err_code open_note(const char *note, size_t n, const struct note_key *keys, size_t nkeys,
                               struct checkpoint *out, const struct note_key **signer, struct err *err) {
    const char *signatures;
    size_t ntext;
    if (!split_note(note, n, &ntext, &signatures))
        return err_set(err, ERR_INVALID_VALUE, "this is no signed note");
    if (!parse_text(note, ntext, out))
        return err_set(err, ERR_INVALID_VALUE, "the note is no checkpoint");
    unsigned char *buffer = xmalloc(SIGNATURE_MAX);
    enum err_code code =
        check_signatures(note, ntext, signatures, note + n, keys, nkeys, buffer, signer, err);
    free(buffer);
    return code;
}

enum err_code checkpoint_open(const char *note, size_t n, const struct note_key *keys, size_t nkeys,
                              struct checkpoint *out, const struct note_key **signer, struct err *err) {
    const struct note_key *found = NULL;
    if (nkeys == 0)
        return err_set(err, ERR_INVALID_VALUE, "there is no key to check the note with");
    enum err_code code = open_note(note, n, keys, nkeys, out, &found, err);
    if (signer != NULL)
        *signer = found;
    return code;
}

enum err_code checkpoint_read(const char *note, size_t n, struct checkpoint *out, struct err *err) {
    const struct note_key *nobody = NULL;
    return open_note(note, n, NULL, 0, out, &nobody, err);
}
