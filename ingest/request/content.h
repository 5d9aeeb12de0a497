/* JSON bodies of requests. */
#ifndef USHER_INGEST_REQUEST_CONTENT_H
#define USHER_INGEST_REQUEST_CONTENT_H

#include "ingest/request/request.h"

/* How large a body may be; as JSON, how deep. (max-body-values says how many values it may have.) */
struct content_limits {
    size_t bytes; /* 0: max-body-bytes */
    size_t depth;
    const char *too_large; /* begins the sentence that refuses a larger body; NULL: the common one */
};
extern const struct content_limits content_document, content_bulk, content_form;

/* Checks the media type (ERR_MEDIA_TYPE; rules T2, T4) and parses the body. The object lives as long as the
 * request. */
/* ERR_MEDIA_TYPE for a body that is coded (Content-Encoding), whatever is in it. */
enum err_code content_check_coding(const struct request *r, struct err *err);
enum err_code content_parse(struct request *r, json_t **body, struct err *err);
/* How many bytes a body may have at this path. */
size_t content_limit(const struct request *r);
/* sent: as the client has announced; 0 = it has not. */
enum err_code content_too_large(const struct request *r, unsigned long long sent, struct err *err);
/* The request takes the reference over and drops it at its end, or in content_drop. NULL is fine. */
void content_keep(struct request *r, json_t *json);
/* Drops all that was kept. Nobody may need it any more. */
void content_drop(struct request *r);

#endif
