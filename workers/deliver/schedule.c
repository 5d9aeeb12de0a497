#include "workers/deliver/schedule.h"

#include <stdlib.h>

#define YEAR_S 31536000

bool schedule_parse(const char *text, struct schedule *out) {
    *out = (struct schedule){0};
    for (char *end;; text = end + 1) {
        if (*text < '0' || *text > '9' || out->n == SCHEDULE_MAX)
            return false;
        long long n = strtoll(text, &end, 10);
        if (n > YEAR_S)
            return false;
        out->seconds[out->n++] = n;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
    }
}

int64_t schedule_wait_us(const struct schedule *s, int64_t failures, int status, int64_t retry_after_s,
                         uint32_t random) {
    if (retry_after_s >= 0) {
        int64_t asked =
            retry_after_s < SCHEDULE_RETRY_AFTER_MAX_S ? retry_after_s : SCHEDULE_RETRY_AFTER_MAX_S;
        return (asked > 0 ? asked : 1) * 1000000;
    }
    size_t nth = failures > 0 && (uint64_t)failures <= s->n ? (size_t)failures - 1 : s->n - 1;
    int64_t seconds = s->seconds[failures > 0 ? nth : 0];
    bool slow = status == 429 || status == 502 || status == 504;
    if (slow && seconds < SCHEDULE_SLOW_S)
        seconds = SCHEDULE_SLOW_S;
    return seconds * (900000 + (int64_t)(random % 200001));
}
