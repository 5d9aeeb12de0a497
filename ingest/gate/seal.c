#include "ingest/gate/seal.h"

#include "sql/ask/secret.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char key[SEAL_KEY_SIZE];
static atomic_bool loaded;

_Static_assert(SEAL_KEY_SIZE == SECRET_SIZE, "a seal is a secret");

bool seal_loaded(void) {
    return atomic_load_explicit(&loaded, memory_order_acquire);
}

const unsigned char *seal_key(void) {
    return seal_loaded() ? key : NULL;
}

enum err_code seal_load(struct db *db, struct err *err) {
    unsigned char read[SECRET_SIZE];
    if (seal_loaded())
        return ERR_OK;
    if (secret_read(db, SECRET_SEAL, read, err) != ERR_OK)
        return err->code;
    pthread_mutex_lock(&lock);
    if (!atomic_load(&loaded)) {
        memcpy(key, read, sizeof key);
        atomic_store_explicit(&loaded, true, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return ERR_OK;
}
