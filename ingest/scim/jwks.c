#include "ingest/scim/jwks.h"

#include "ingest/request/answer.h"
#include "ops/runtime/clock.h"
#include "sql/ask/signing_key.h"

#include <pthread.h>

#define REFRESH_US 3000000

static struct jws_key *own, *own_rsa;
static bool published; /* only the thread that refreshes uses this and the time */
static int64_t refreshed_us;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct jbuf set; /* under the lock */

enum err_code jwks_open(const char *file, const char *rsa_file, struct err *err) {
    own = signing_key_open(file, err);
    own_rsa = own != NULL ? signing_key_open_rsa(rsa_file, err) : NULL;
    return own_rsa != NULL ? ERR_OK : ERR_CONFIG;
}

void jwks_close(void) {
    jws_key_free(own);
    jws_key_free(own_rsa);
    own = own_rsa = NULL;
    jb_free(&set);
}

const struct jws_key *jwks_own(void) {
    return own;
}

const struct jws_key *jwks_own_rsa(void) {
    return own_rsa;
}

enum err_code jwks_refresh(struct db *db, struct err *err) {
    struct jbuf fresh = {0};
    int64_t now_us = clock_mono_us();
    if (published && now_us - refreshed_us < REFRESH_US)
        return ERR_OK;
    if (!published &&
        (signing_key_publish(db, own, err) != ERR_OK || signing_key_publish(db, own_rsa, err) != ERR_OK))
        return err->code;
    published = true;
    if (signing_key_set(db, &fresh, err) != ERR_OK)
        return err->code;
    refreshed_us = now_us;
    pthread_mutex_lock(&lock);
    struct jbuf before = set;
    set = fresh;
    pthread_mutex_unlock(&lock);
    jb_free(&before);
    return ERR_OK;
}

static enum step jwks_begin(struct request *r) {
    pthread_mutex_lock(&lock);
    if (set.n > 0)
        jb_mem(&r->answer.body, set.p, set.n);
    pthread_mutex_unlock(&lock);
    if (r->answer.body.n > 0)
        answer_plain(r, 200, "application/jwk-set+json");
    else
        answer_error(r, ERR_UNAVAILABLE, NULL);
    return STEP_ANSWERED;
}

const struct handler jwks_get = {.begin = jwks_begin};
