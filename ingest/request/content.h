/* JSON bodies of requests. */
#ifndef USHER_INGEST_REQUEST_CONTENT_H
#define USHER_INGEST_REQUEST_CONTENT_H

#include "ingest/request/request.h"

/* How large a body may be, and as JSON how deep and of how many values. */
struct content_limits {
    size_t bytes; /* 0: max-body-bytes */
    size_t depth;
    size_t elements;
    const char *too_large; /* what is said of a larger one, before the limit; NULL: of any body */
};
extern const struct content_limits content_document, content_bulk, content_form;

/* The body as an object that lives as long as the request: media type (ERR_MEDIA_TYPE; rules T2, T4), then
 * body_parse. */
enum err_code content_parse(struct request *r, json_t **body, struct err *err);
/* Bytes of a body at most, by what the path is for. */
size_t content_limit(const struct request *r);
enum err_code content_too_large(const struct request *r, struct err *err);
/* A new reference becomes the request's; NULL is fine. */
void content_keep(struct request *r, json_t *json);

#endif
