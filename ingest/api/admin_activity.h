/* What a key's requests add up to, for the key itself (GET /api/v1/activity with a step). */
#ifndef USHER_INGEST_API_ADMIN_ACTIVITY_H
#define USHER_INGEST_API_ADMIN_ACTIVITY_H

#include "ingest/request/request.h"

enum step activity_of_own(struct request *r); /* as a handler's begin … */
enum step activity_answer(struct request *r); /* … and as its on_rows */

#endif
