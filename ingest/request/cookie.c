#include "ingest/request/cookie.h"

#include "ingest/request/place.h"

#include <string.h>
#include <strings.h>

static bool is_secure(const struct request *r) {
    const char *origin = place_origin(r);
    return origin != NULL && strncasecmp(origin, "https://", 8) == 0;
}

/* The host of an origin "http://host[:port]" is this machine. */
static bool is_loopback(const char *origin) {
    static const char *const names[] = {"localhost", "[::1]"};
    if (origin == NULL || strncasecmp(origin, "http://", 7) != 0)
        return false;
    const char *host = origin + 7;
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (n == strlen(names[i]) && strncasecmp(host, names[i], n) == 0)
            return true;
    return n > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == n;
}

bool cookie_is_safe(const struct request *r) {
    return is_secure(r) || is_loopback(place_origin(r));
}

/* Which of the two names counts; NULL: neither. */
static const char *name_of(const struct request *r, const char *secure, const char *plain) {
    if (is_secure(r))
        return secure;
    return is_loopback(place_origin(r)) ? plain : NULL;
}

/* "a=b; c=d" (RFC 6265 section 4.2.1). The first of a name counts. */
static const char *value_of(const struct request *r, const char *name) {
    const char *p = r->head.cookie;
    size_t n = name != NULL && p != NULL ? strlen(name) : 0;
    while (n > 0 && *p != '\0') {
        p += strspn(p, " \t;");
        size_t part = strcspn(p, ";");
        if (part > n && strncmp(p, name, n) == 0 && p[n] == '=') {
            size_t value = part - n - 1;
            while (value > 0 && (p[n + value] == ' ' || p[n + value] == '\t'))
                value--;
            return arena_strndup(r->arena, p + n + 1, value);
        }
        p += part;
    }
    return NULL;
}

const char *cookie_session(const struct request *r) {
    return r->head.cookie != NULL ? value_of(r, name_of(r, COOKIE_SECURE, COOKIE_PLAIN)) : NULL;
}

const char *cookie_flow(const struct request *r) {
    return r->head.cookie != NULL ? value_of(r, name_of(r, COOKIE_FLOW_SECURE, COOKIE_FLOW_PLAIN)) : NULL;
}

/* Without a lifetime of its own: browsers forget it when they are closed, and the session's end is ours to
 * say. */
const char *cookie_set(const struct request *r, const char *value) {
    const char *name = name_of(r, COOKIE_SECURE, COOKIE_PLAIN);
    return arena_printf(
        r->arena, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", name != NULL ? name : COOKIE_SECURE, value,
        is_secure(r) || name == NULL ? "; Secure" : "", value[0] == '\0' ? "; Max-Age=0" : "");
}

const char *cookie_flow_set(const struct request *r, const char *value) {
    const char *name = name_of(r, COOKIE_FLOW_SECURE, COOKIE_FLOW_PLAIN);
    return arena_printf(r->arena, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s; Max-Age=%d",
                        name != NULL ? name : COOKIE_FLOW_SECURE, value,
                        is_secure(r) || name == NULL ? "; Secure" : "", value[0] == '\0' ? 0 : COOKIE_FLOW_S);
}

static bool only_reads(const struct request *r) {
    return strcmp(r->head.method, "GET") == 0 || strcmp(r->head.method, "HEAD") == 0 ||
           strcmp(r->head.method, "OPTIONS") == 0;
}

/* application/json, and what is built on it. A page of another site cannot send these without asking first.
 */
static bool is_json(const char *type) {
    size_t n = type != NULL ? strcspn(type, "; \t") : 0;
    return n >= 16 && strncasecmp(type, "application/", 12) == 0 && strncasecmp(type + n - 4, "json", 4) == 0;
}

static bool is_our_page(const struct request *r) {
    const char *ours = place_origin(r);
    if (r->head.fetch_site != NULL)
        return strcasecmp(r->head.fetch_site, "same-origin") == 0;
    return r->head.origin != NULL && ours != NULL && strcasecmp(r->head.origin, ours) == 0;
}

enum err_code cookie_check_site(const struct request *r, struct err *err) {
    const char *site = r->head.fetch_site;
    if (only_reads(r)) {
        if (site == NULL || strcasecmp(site, "same-origin") == 0 || strcasecmp(site, "none") == 0)
            return ERR_OK;
        return err_set(err, ERR_FORBIDDEN, "The request comes from a page of another site (Sec-Fetch-Site)");
    }
    if (!is_our_page(r))
        return err_set(
            err, ERR_FORBIDDEN, "%s",
            site == NULL && r->head.origin == NULL
                ? "A change with the portal's cookie must say where it comes from, by Sec-Fetch-Site or Origin; "
                  "scripts use the token of an owner instead"
                : "The change was asked for by a page of another site (Sec-Fetch-Site or Origin)");
    if (!is_json(r->head.content_type))
        return err_set(err, ERR_MEDIA_TYPE,
                       "A change with the portal's cookie must have Content-Type: application/json");
    return ERR_OK;
}
