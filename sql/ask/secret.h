/* The service's own secrets: the same for all instances, made by the migrations, never shown. */
#ifndef USHER_SQL_ASK_SECRET_H
#define USHER_SQL_ASK_SECRET_H

#include "sql/db.h"

/* What cursors and the addresses of outcomes are sealed with. */
#define SECRET_SEAL "seal"
#define SECRET_SIZE 32

/* Reads the secret of that name; ERR_CONFIG where there is none, or it is too short. One round trip. */
enum err_code secret_read(struct db *db, const char *name, unsigned char out[SECRET_SIZE], struct err *err);

#endif
