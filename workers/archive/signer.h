/* Signed heads (ops/DESIGN.md, "The archive"). A log must never sign two heads that do not fit. So before
 * the first one of a tree is signed, the newest that stands on usher.checkpoints is compared: our tree must
 * have been that one. */
#ifndef USHER_WORKERS_ARCHIVE_SIGNER_H
#define USHER_WORKERS_ARCHIVE_SIGNER_H

#include "workers/archive/intake.h"

struct signer;

/* ERR_CONFIG: the key or the origin is none. */
struct signer *signer_new(const struct config *config, struct err *err);
/* Signs what is due, stores it and publishes it. */
enum err_code signer_turn(struct signer *s, struct db *db, struct intake *in, struct err *err);
void signer_free(struct signer *s);

/* "usher/audit/{workspace}/changes": what is signed, and the name that it is signed with. origin: a number;
 * from 2 on it stands at the end: "usher/audit/{workspace}/changes/2". */
void signer_origin(const char *host, const char *workspace, int tree, int origin, char *out, size_t n);

#endif
