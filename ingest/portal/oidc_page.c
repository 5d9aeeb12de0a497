#include "ingest/portal/oidc_page.h"

#include "ingest/request/cookie.h"

#include <string.h>

#define HTML "text/html; charset=utf-8"
#define POLICY "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

static const char *const words[] = {
    [OIDC_REASON_OFF] = "off",           [OIDC_REASON_STATE] = "state",
    [OIDC_REASON_PROVIDER] = "provider", [OIDC_REASON_REFUSED] = "refused",
    [OIDC_REASON_UNKNOWN] = "unknown",   [OIDC_REASON_UNVERIFIED] = "unverified",
    [OIDC_REASON_BUSY] = "busy",
};

static enum oidc_reason reason_of(const struct request *r) {
    enum oidc_reason reason = r->work != NULL ? *(const enum oidc_reason *)r->work : OIDC_REASON_NONE;
    if (r->answer.code == ERR_RATE_LIMITED || err_http_status(r->answer.code) >= 500)
        return reason != OIDC_REASON_NONE ? reason : OIDC_REASON_BUSY;
    return reason != OIDC_REASON_NONE ? reason : OIDC_REASON_REFUSED;
}

static void put_text(struct jbuf *b, const char *text) {
    for (; *text != '\0'; text++) {
        const char *name = *text == '<'   ? "&lt;"
                           : *text == '>' ? "&gt;"
                           : *text == '&' ? "&amp;"
                           : *text == '"' ? "&quot;"
                                          : NULL;
        if (name != NULL)
            jb_raw(b, name);
        else
            jb_mem(b, text, 1);
    }
}

static void oidc_error(struct request *r, const char *detail, const char *path) {
    struct answer *a = &r->answer;
    struct jbuf *b = &a->body;
    (void)path;
    a->no_store = true;
    a->policy = POLICY;
    a->cookie = cookie_flow_set(r, "");
    jb_printf(b,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta http-equiv=\"refresh\" content=\"0;url=/portal?signin=%s\">\n"
              "<title>Sign in</title>\n</head>\n<body>\n<main><h1>You are not signed in</h1>\n<p>",
              words[reason_of(r)]);
    put_text(b, detail);
    jb_raw(b, "</p>\n<p><a href=\"/portal\">Back to the sign-in</a></p></main>\n</body>\n</html>\n");
}

/* A browser would ask its user for a password. */
static const char *no_challenge(struct request *r, enum err_code code) {
    (void)r, (void)code;
    return NULL;
}

const struct form oidc_form = {
    .name = "the portal",
    .reason = "api", /* it has no commands */
    .type = HTML,
    .error = oidc_error,
    .challenge = no_challenge,
};
