#include "ingest/http/guard.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static enum err_code guard_refuse(struct err *err, const char *why) {
    return err_set(err, ERR_BAD_REQUEST, "%s", why);
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- the request target ---- */

/* Bytes that may stand in a path as they are (RFC 3986: pchar and "/", without the percent sign). */
static bool path_byte(unsigned char c) {
    return isalnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

/* One byte of the path, decoded; *used: how many bytes it took. -1: a broken escape, or a byte that is not
 * allowed. */
static int decode_byte(const char *p, size_t left, size_t *used) {
    *used = 1;
    if (*p != '%')
        return path_byte((unsigned char)*p) ? (unsigned char)*p : -1;
    if (left < 3 || hex_value(p[1]) < 0 || hex_value(p[2]) < 0)
        return -1;
    *used = 3;
    return hex_value(p[1]) * 16 + hex_value(p[2]);
}

static enum err_code check_path(const char *p, size_t len, struct err *err) {
    size_t dots = 0, segment = 0; /* of the current segment: dots, decoded bytes */
    for (size_t i = 0, used; i <= len; i += used) {
        used = 1;
        if (i == len || p[i] == '/') {
            if (dots == segment && (dots == 1 || dots == 2))
                return guard_refuse(err, "The path has a dot segment");
            dots = segment = 0;
            continue;
        }
        int c = decode_byte(p + i, len - i, &used);
        if (c < 0)
            return guard_refuse(err, "The path has a broken escape or a character that may not stand there");
        if (c < 0x20 || c == 0x7f || c == '\\' || (used == 3 && c == '/'))
            return guard_refuse(err, "The path has an encoded separator or control character");
        segment++;
        if (c == '.')
            dots++;
    }
    return ERR_OK;
}

/* Quotes, brackets and bytes beyond ASCII are allowed, because clients send filters without escapes. Control
 * characters, spaces and NUL are not. */
static enum err_code check_query(const char *q, struct err *err) {
    for (; *q != '\0'; q++) {
        unsigned char c = (unsigned char)*q;
        if (c <= 0x20 || c == 0x7f)
            return guard_refuse(err, "The query has a control character or a space");
        if (c == '%' && hex_value(q[1]) == 0 && hex_value(q[2]) == 0)
            return guard_refuse(err, "The query has an encoded NUL");
    }
    return ERR_OK;
}

static enum err_code check_target(const char *target, struct guard_facts *f, struct err *err) {
    if (target == NULL || target[0] == '\0')
        return guard_refuse(err, "The request has no target");
    if (strlen(target) > GUARD_TARGET_MAX)
        return err_set(err, ERR_URI_TOO_LONG, "The request target is longer than %d bytes", GUARD_TARGET_MAX);
    /* absolute-form must be accepted (RFC 9112 section 3.2.2) */
    const char *p = target;
    if (strncasecmp(p, "http://", 7) == 0 || strncasecmp(p, "https://", 8) == 0) {
        f->scheme = p[4] == ':' ? "http" : "https";
        f->authority = p = strstr(p, "://") + 3;
        f->authority_len = strcspn(p, "/?#");
        p += f->authority_len;
    }
    if (*p != '/')
        return guard_refuse(err, "The request target is not a path");
    if (strchr(p, '#') != NULL)
        return guard_refuse(err, "The request target has a fragment");
    f->path = p;
    f->path_len = strcspn(p, "?");
    f->query = p[f->path_len] == '?' ? p + f->path_len + 1 : NULL;
    if (check_path(f->path, f->path_len, err) != ERR_OK)
        return err->code;
    return f->query != NULL ? check_query(f->query, err) : ERR_OK;
}

/* ---- headers ---- */

static bool is_name_byte(unsigned char c) {
    return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static enum err_code check_method(const char *method, struct err *err) {
    for (const char *p = method; *p != '\0'; p++)
        if (!is_name_byte((unsigned char)*p))
            return guard_refuse(err, "The method has a character that may not stand there");
    return ERR_OK;
}

static enum err_code check_text(const struct guard_header *h, struct err *err) {
    if (h->name_len == 0)
        return guard_refuse(err, "A header has no name");
    for (size_t i = 0; i < h->name_len; i++)
        if (!is_name_byte((unsigned char)h->name[i]))
            return guard_refuse(err, "A header name has a character that may not stand there");
    for (size_t i = 0; i < h->value_len; i++) {
        unsigned char c = (unsigned char)h->value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return guard_refuse(err, "A header value has a control character");
    }
    return ERR_OK;
}

static bool named(const struct guard_header *h, const char *name) {
    return h->name_len == strlen(name) && strncasecmp(h->name, name, h->name_len) == 0;
}

static enum err_code check_length(const char *value, struct guard_facts *f, struct err *err) {
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits] != '\0')
        return guard_refuse(err, "Content-Length is not a number");
    unsigned long long n = 0;
    for (size_t i = 0; i < digits; i++) {
        unsigned d = (unsigned)(value[i] - '0');
        n = n > (ULLONG_MAX - d) / 10 ? ULLONG_MAX : n * 10 + d;
    }
    f->has_length = true;
    f->length = n;
    return ERR_OK;
}

/* The host becomes part of meta.location, so it must be a name, IPv4 or [IPv6], perhaps with a port. */
static enum err_code check_host(const char *host, size_t n, const char *where, struct err *err) {
    if (n == 0 || n > 255)
        return err_set(err, ERR_BAD_REQUEST, "The host in %s is empty or too long", where);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)host[i]) && strchr("-._:[]", host[i]) == NULL)
            return err_set(err, ERR_BAD_REQUEST, "The host in %s is malformed", where);
    return ERR_OK;
}

/* A target with a host of its own says which one is meant, and the Host header is ignored; but one that is
 * there must be one (RFC 9112 section 3.2). */
static enum err_code check_hosts(const struct guard_facts *f, bool old, struct err *err) {
    if (f->host == NULL && !old)
        return guard_refuse(err, "The request has no Host header");
    if (f->host != NULL && check_host(f->host, strlen(f->host), "the Host header", err) != ERR_OK)
        return err->code;
    return f->authority != NULL ? check_host(f->authority, f->authority_len, "the request target", err)
                                : ERR_OK;
}

/* Is the body as it is meant? An empty member of the list says nothing (RFC 9110 section 5.6.1). */
static bool is_identity(const char *coding) {
    for (size_t n; *coding != '\0'; coding += n + (coding[n] == ',')) {
        coding += strspn(coding, " \t,");
        n = strcspn(coding, " \t,");
        if (n > 0 && (n != strlen("identity") || strncasecmp(coding, "identity", n) != 0))
            return false;
    }
    return true;
}

/* Headers that may come only once. */
enum single { LENGTH, CODING, HOST, AUTHORIZATION, TYPE, SINGLES };
static const char *const single_names[SINGLES] = {"Content-Length", "Transfer-Encoding", "Host",
                                                  "Authorization", "Content-Type"};

static size_t bytes_of(const struct guard_request *r) {
    size_t bytes = 0;
    for (size_t i = 0; i < r->nheaders; i++)
        bytes += r->headers[i].name_len + r->headers[i].value_len;
    return bytes;
}

static enum err_code collect_lines(const struct guard_request *r, const char *single[SINGLES],
                                   struct guard_facts *f, struct err *err) {
    if (r->nheaders > GUARD_HEADERS_MAX)
        return err_set(err, ERR_HEADERS_TOO_LARGE, "The request has more than %d headers, which is the most",
                       GUARD_HEADERS_MAX);
    if (bytes_of(r) > GUARD_HEADER_BYTES_MAX)
        return err_set(err, ERR_HEADERS_TOO_LARGE,
                       "The request's headers have %zu bytes, at most %d are allowed", bytes_of(r),
                       GUARD_HEADER_BYTES_MAX);
    for (size_t i = 0; i < r->nheaders; i++) {
        const struct guard_header *h = &r->headers[i];
        if (check_text(h, err) != ERR_OK)
            return err->code;
        if (h->kind != GUARD_HEADER)
            continue;
        for (size_t s = 0; s < SINGLES; s++) {
            if (!named(h, single_names[s]))
                continue;
            if (single[s] != NULL)
                return err_set(err, ERR_BAD_REQUEST, "The request has two %s headers", single_names[s]);
            single[s] = h->value;
        }
        if (named(h, "User-Agent") && f->user_agent == NULL)
            f->user_agent = h->value;
        if (named(h, "traceparent"))
            f->traceparent = h->value;
        if (named(h, "Content-Encoding") && !is_identity(h->value))
            f->coding = h->value;
        if (named(h, "Expect"))
            f->expects = true;
    }
    return ERR_OK;
}

enum err_code guard_check(const struct guard_request *r, struct guard_facts *f, struct err *err) {
    const char *single[SINGLES] = {0};
    *f = (struct guard_facts){0};
    bool old = strcmp(r->version, "HTTP/1.0") == 0;
    if (!old && strcmp(r->version, "HTTP/1.1") != 0)
        return err_set(err, ERR_HTTP_VERSION, "%s", "");
    if (!r->whole)
        return guard_refuse(err, "The request's head has a folded line, a NUL, a bare line feed, or blanks "
                                 "where none may stand");
    if (check_method(r->method, err) != ERR_OK || check_target(r->target, f, err) != ERR_OK ||
        collect_lines(r, single, f, err) != ERR_OK)
        return err->code;
    f->host = single[HOST];
    f->authorization = single[AUTHORIZATION];
    f->content_type = single[TYPE];
    if (check_hosts(f, old, err) != ERR_OK)
        return err->code;
    if (single[CODING] != NULL) {
        if (single[LENGTH] != NULL)
            return guard_refuse(err, "The request has both Content-Length and Transfer-Encoding");
        if (strcasecmp(single[CODING], "chunked") != 0 || old)
            return guard_refuse(err, "The only Transfer-Encoding understood is chunked");
        f->chunked = true;
    }
    return single[LENGTH] != NULL ? check_length(single[LENGTH], f, err) : ERR_OK;
}

bool guard_traceparent(const char *s) {
    static const unsigned char dash_at[] = {2, 35, 52};
    if (strlen(s) != 55 || strncmp(s, "ff", 2) == 0)
        return false;
    for (size_t i = 0, d = 0; i < 55; i++) {
        if (d < sizeof dash_at && i == dash_at[d]) {
            d++;
            if (s[i] != '-')
                return false;
        } else if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) {
            return false;
        }
    }
    return strspn(s + 3, "0") < 32 && strspn(s + 36, "0") < 16;
}
