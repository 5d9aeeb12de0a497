/* What the HTTP library would say by itself: 400, 413, 414, 431, 500 and 505, as a page of HTML, without a
 * record, and in 0.9.75 sometimes with a second head behind it. The library has no callback for that. But it
 * queues these answers by its own public function MHD_queue_response, and a program may replace a function of
 * a shared library (ELF resolves the name in the program first). So library.c defines that function; the
 * library calls it for its own answers alone, because usher calls the original (library_queue). Whoever
 * watches writes an answer to the socket and shuts the socket down. Then the library goes on as it always
 * does: it must not be told of an error here, because 0.9.75 would close the connection and use its memory
 * afterwards. What it sends goes nowhere.
 *
 * MHD_lookup_connection_value_n is replaced for the same reason: 0.9.75 finds the length of a body with it,
 * and takes blanks behind a value for a part of it ("Transfer-Encoding: chunked " is unknown to it then, and
 * the request never ends). The blanks become NULs. And it finds no cookies: usher uses none, and their
 * parsing takes the memory of the connection. */
#ifndef USHER_INGEST_HTTP_LIBRARY_H
#define USHER_INGEST_HTTP_LIBRARY_H

#include <microhttpd.h>

/* Called on an HTTP thread, for each answer that the library wants to make. Must shut the socket down. */
typedef void library_refused(void *cls, struct MHD_Connection *connection, unsigned status);

/* Before the library is started. Ends the process if the library's functions are not found. */
void library_watch(library_refused *refused, void *cls);
/* MHD_queue_response of the library. */
enum MHD_Result library_queue(struct MHD_Connection *connection, unsigned status,
                              struct MHD_Response *response);

#endif
