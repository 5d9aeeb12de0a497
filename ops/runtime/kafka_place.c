#include "ops/runtime/kafka_place.h"

#include "ops/runtime/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS "usher 1 " /* whose it is, and which form it has */
#define DIGITS 19

void place_set_number(rd_kafka_topic_partition_t *place, int64_t number) {
    char text[64];
    free(place->metadata);
    snprintf(text, sizeof text, WORDS "%" PRId64, number);
    place->metadata = xstrdup(text); /* the list frees it */
    place->metadata_size = strlen(text);
}

int64_t place_number(const rd_kafka_topic_partition_t *place) {
    const char *text = place->metadata;
    size_t n = place->metadata_size, from = strlen(WORDS);
    int64_t number = 0;
    if (text == NULL || n <= from || n > from + DIGITS || memcmp(text, WORDS, from) != 0)
        return -1;
    for (size_t i = from; i < n; i++) {
        if (text[i] < '0' || text[i] > '9' || number > (INT64_MAX - 9) / 10)
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}
