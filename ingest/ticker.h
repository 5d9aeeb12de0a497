/* A thread that runs every 10 ms and handles what no event would: passed deadlines, late acknowledgements,
 * slow clients. */
#ifndef USHER_INGEST_TICKER_H
#define USHER_INGEST_TICKER_H

#include "ingest/ingest.h"

struct ticker *ticker_start(struct ingest *in);
void ticker_stop(struct ticker *t);

#endif
