#include "ingest/http/tls.h"

#include "ops/runtime/mem.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CHAIN_MAX 16

/* A certificate with its key. Handshakes borrow it and do not tell when they are done. So each pair stays in
 * memory until the end, one more with every reading of the files. */
struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n;
    int64_t expires_s; /* of the first */
    gnutls_privkey_t key;
    struct pair *older;
};

struct tls {
    const char *cert_file, *key_file;
    pthread_mutex_t lock;
    struct pair *now;
};

static struct tls *current;

static void pair_free(struct pair *p) {
    for (unsigned i = 0; i < p->n; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key != NULL)
        gnutls_privkey_deinit(p->key);
    free(p);
}

static enum err_code wrong(const char *file, int code, struct err *err) {
    return err_set(err, ERR_CONFIG, "%s: %s", file, gnutls_strerror(code));
}

/* In seconds since 1970; 0: it does not say. */
static int64_t expiry_of(const gnutls_datum_t *der) {
    gnutls_x509_crt_t crt;
    int64_t at = 0;
    if (gnutls_x509_crt_init(&crt) < 0)
        return 0;
    if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0)
        at = (int64_t)gnutls_x509_crt_get_expiration_time(crt);
    gnutls_x509_crt_deinit(crt);
    return at > 0 ? at : 0;
}

static enum err_code load_chain(struct pair *p, const char *file, struct err *err) {
    gnutls_datum_t text;
    int code = gnutls_load_file(file, &text);
    if (code < 0)
        return wrong(file, code, err);
    unsigned n = CHAIN_MAX;
    code = gnutls_pcert_list_import_x509_raw(p->chain, &n, &text, GNUTLS_X509_FMT_PEM, 0);
    gnutls_free(text.data);
    if (code < 0)
        return wrong(file, code, err);
    p->n = n;
    if (n == 0)
        return err_set(err, ERR_CONFIG, "%s: no certificate in it", file);
    p->expires_s = expiry_of(&p->chain[0].cert);
    return ERR_OK;
}

static enum err_code load_key(struct pair *p, const char *file, struct err *err) {
    gnutls_datum_t text;
    int code = gnutls_load_file(file, &text);
    if (code < 0)
        return wrong(file, code, err);
    code = gnutls_privkey_init(&p->key);
    if (code >= 0)
        code = gnutls_privkey_import_x509_raw(p->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(text.data, 0, text.size);
    gnutls_free(text.data);
    return code >= 0 ? ERR_OK : wrong(file, code, err);
}

/* Checks that the key belongs to the certificate, because otherwise every handshake fails. */
static enum err_code check_match(const struct pair *p, const char *file, struct err *err) {
    unsigned char of_cert[64], of_key[64];
    size_t cert_len = sizeof of_cert, key_len = sizeof of_key;
    gnutls_pubkey_t pub;
    if (gnutls_pubkey_init(&pub) < 0)
        abort();
    int code = gnutls_pubkey_import_privkey(pub, p->key, 0, 0);
    if (code >= 0)
        code = gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
    if (code >= 0)
        code = gnutls_pubkey_get_key_id(p->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_cert, &cert_len);
    gnutls_pubkey_deinit(pub);
    if (code < 0)
        return wrong(file, code, err);
    if (cert_len != key_len || gnutls_memcmp(of_cert, of_key, key_len) != 0)
        return err_set(err, ERR_CONFIG, "%s: the key is not the certificate's", file);
    return ERR_OK;
}

enum err_code tls_reload(struct tls *t, struct err *err) {
    struct pair *p = xcalloc(1, sizeof *p);
    enum err_code code = load_chain(p, t->cert_file, err);
    if (code == ERR_OK)
        code = load_key(p, t->key_file, err);
    if (code == ERR_OK)
        code = check_match(p, t->key_file, err);
    if (code != ERR_OK) {
        pair_free(p);
        return code;
    }
    pthread_mutex_lock(&t->lock);
    p->older = t->now;
    t->now = p;
    pthread_mutex_unlock(&t->lock);
    return ERR_OK;
}

int64_t tls_expires_s(struct tls *t) {
    pthread_mutex_lock(&t->lock);
    int64_t at = t->now->expires_s;
    pthread_mutex_unlock(&t->lock);
    return at;
}

struct tls *tls_open(const char *cert_file, const char *key_file, struct err *err) {
    struct tls *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->cert_file = cert_file;
    t->key_file = key_file;
    if (tls_reload(t, err) != ERR_OK) {
        tls_close(t);
        return NULL;
    }
    current = t;
    return t;
}

void tls_close(struct tls *t) {
    if (t == NULL)
        return;
    if (current == t)
        current = NULL;
    while (t->now != NULL) {
        struct pair *p = t->now;
        t->now = p->older;
        pair_free(p);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int nauthorities,
                    const gnutls_pk_algorithm_t *algorithms, int nalgorithms, gnutls_pcert_st **chain,
                    unsigned *n, gnutls_privkey_t *key) {
    (void)session, (void)authorities, (void)nauthorities, (void)algorithms, (void)nalgorithms;
    if (current == NULL)
        return -1;
    pthread_mutex_lock(&current->lock);
    struct pair *p = current->now;
    pthread_mutex_unlock(&current->lock);
    *chain = p->chain;
    *n = p->n;
    *key = p->key;
    return 0;
}

void *tls_callback(void) {
    gnutls_certificate_retrieve_function2 *fn = retrieve;
    return (void *)(uintptr_t)fn;
}

/* ---- who speaks HTTP without TLS ---- */

/* TLS begins with the byte 22. No letter is the first byte of any version of it, and HTTP begins with one. */
static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *to, size_t n) {
    struct tls_door *door = ptr;
    char begin[512];
    if (!door->begun) {
        ssize_t seen = recv(door->fd, begin, sizeof begin, MSG_PEEK);
        if (seen <= 0)
            return seen;
        door->begun = true;
        if (is_letter(begin[0])) {
            door->plain(door, begin, (size_t)seen);
            return 0; /* the end, for GnuTLS */
        }
    }
    return recv(door->fd, to, n, 0);
}

/* GnuTLS's own uses the descriptor, which is not what it gets any more. */
static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms) {
    struct tls_door *door = ptr;
    struct pollfd fd = {.fd = door->fd, .events = POLLIN};
    return poll(&fd, 1, ms > INT_MAX ? -1 : (int)ms);
}

void tls_watch(void *session, struct tls_door *door) {
    gnutls_transport_set_ptr2(session, door, (gnutls_transport_ptr_t)(intptr_t)door->fd);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
}

void tls_send_last(void *session, const char *bytes, size_t n) {
    ssize_t sent;
    do {
        sent = gnutls_record_send(session, bytes, n);
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        }
    } while (sent > 0 && n > 0);
    gnutls_bye(session, GNUTLS_SHUT_WR);
}
