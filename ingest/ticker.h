/* A slow clock for what must happen even when nothing else does: deadlines, late acknowledgements, slow
 * clients. */
#ifndef USHER_INGEST_TICKER_H
#define USHER_INGEST_TICKER_H

#include "ingest/ingest.h"

struct ticker *ticker_start(struct ingest *in);
void ticker_stop(struct ticker *t);

#endif
