#include "ops/runtime/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)

static int64_t now_us(clockid_t clock) {
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void) {
    return now_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void) {
    return now_us(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; years are counted from March, so that
 * the leap day is the last. */
static int64_t days_from_civil(int64_t y, int m, int d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year = y - era * 400;
    int64_t day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static void civil_from_days(int64_t days, int64_t *y, int *m, int *d) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t year = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * month + 2) / 5 + 1);
    *m = (int)(month < 10 ? month + 3 : month - 9);
    *y = year + era * 400 + (*m <= 2);
}

static char *put_digits(char *to, int64_t v, int digits) {
    for (int i = digits - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + digits;
}

char *rfc3339_us(int64_t wall_us, char *out) {
    int64_t s = wall_us / US_PER_S, us = wall_us % US_PER_S;
    if (us < 0) {
        us += US_PER_S;
        s--;
    }
    int64_t days = s / S_PER_DAY, of_day = s % S_PER_DAY;
    if (of_day < 0) {
        of_day += S_PER_DAY;
        days--;
    }
    int64_t y;
    int m, d;
    civil_from_days(days, &y, &m, &d);
    /* RFC 3339 has four digits for the year. */
    y = y < 0 ? 0 : y > 9999 ? 9999 : y;
    char *p = put_digits(out, y, 4);
    *p++ = '-';
    p = put_digits(p, m, 2);
    *p++ = '-';
    p = put_digits(p, d, 2);
    *p++ = 'T';
    p = put_digits(p, of_day / 3600, 2);
    *p++ = ':';
    p = put_digits(p, of_day / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, of_day % 60, 2);
    *p++ = '.';
    p = put_digits(p, us, 6);
    *p++ = 'Z';
    *p = 0;
    return out;
}

static bool take_digits(const char **s, int digits, int *out) {
    int v = 0;
    for (int i = 0; i < digits; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        v = v * 10 + (**s - '0');
    }
    *out = v;
    return true;
}

static bool take_char(const char **s, const char *any) {
    if (**s == '\0' || strchr(any, **s) == NULL)
        return false;
    (*s)++;
    return true;
}

static bool take_fraction(const char **s, int *us) {
    *us = 0;
    if (**s != '.')
        return true;
    (*s)++;
    int scale = 100000, digits = 0;
    for (; **s >= '0' && **s <= '9'; (*s)++, digits++, scale /= 10)
        *us += (**s - '0') * scale; /* from the seventh digit on, scale is 0 */
    return digits > 0;
}

static bool take_zone(const char **s, int *minutes) {
    *minutes = 0;
    if (**s == '\0' || take_char(s, "Zz"))
        return true;
    int sign = **s == '-' ? -1 : 1, h, m;
    if (!take_char(s, "+-") || !take_digits(s, 2, &h) || !take_char(s, ":") || !take_digits(s, 2, &m) ||
        h > 23 || m > 59)
        return false;
    *minutes = sign * (h * 60 + m);
    return true;
}

bool rfc3339_parse(const char *s, int64_t *wall_us) {
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, mo, d, h, mi, sec, us, zone;
    if (s == NULL || !take_digits(&s, 4, &y) || !take_char(&s, "-") || !take_digits(&s, 2, &mo) ||
        !take_char(&s, "-") || !take_digits(&s, 2, &d) || !take_char(&s, "Tt ") || !take_digits(&s, 2, &h) ||
        !take_char(&s, ":") || !take_digits(&s, 2, &mi) || !take_char(&s, ":") || !take_digits(&s, 2, &sec) ||
        !take_fraction(&s, &us) || !take_zone(&s, &zone) || *s)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] + (mo == 2 && leap))
        return false;
    /* 24:00:00 is xsd:dateTime's other name for the next day's midnight; :60 a leap second, taken as the
     * second after. */
    bool midnight = h == 24 && mi == 0 && sec == 0 && us == 0;
    if ((h > 23 && !midnight) || mi > 59 || sec > 60)
        return false;
    int64_t seconds = days_from_civil(y, mo, d) * S_PER_DAY + h * 3600 + mi * 60 + sec - zone * 60;
    *wall_us = seconds * US_PER_S + us;
    return true;
}
