#include "ingest/log/message.h"

#include <string.h>

bool message_txn(const rd_kafka_message_t *m, char txn[37]) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, "usher-txn", &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        len != 36)
        return false;
    memcpy(txn, value, len);
    txn[len] = '\0';
    return true;
}
