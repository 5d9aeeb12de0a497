/* The functions of sql/functions in one text, embedded at build time (ops/build/embed_sql.py). */
#ifndef USHER_SQL_FUNCTIONS_H
#define USHER_SQL_FUNCTIONS_H

extern const char functions_text[];
extern const char functions_hash[]; /* SHA-256 of the text, in hex */

#endif
