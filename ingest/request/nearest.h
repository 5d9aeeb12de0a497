/* The path that a client may have meant: a misspelt name, a part of the base path that is missing or stands
 * twice, a slash too many. For people who set up a client, and read what it was answered. */
#ifndef USHER_INGEST_REQUEST_NEAREST_H
#define USHER_INGEST_REQUEST_NEAREST_H

#include "ingest/request/route.h"

struct nearest {
    const char *path;        /* raw, begins with '/'; NULL: nothing is near */
    const struct form *form; /* of the row that it fits */
};

/* Compares a path that fits no row with the table. among: only rows of this form; NULL = all. own_types: may
 * the types that an operator has added be told? */
struct nearest nearest_path(const struct route_table *t, const char *path, const struct form *among,
                            bool own_types, struct arena *a);

#endif
