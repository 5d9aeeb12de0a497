#include "ops/runtime/outward.h"

#include <sys/socket.h>

static curl_socket_t outward_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to) {
    struct outward *o = ctx;
    bool allowed = purpose == CURLSOCKTYPE_IPCXN && reach_allows_socket(o->reach, &to->addr);
    o->opened |= allowed;
    o->refused = !o->opened;
    return allowed ? socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol) : CURL_SOCKET_BAD;
}

void outward_prepare(CURL *e, const struct outward_rules *r, struct outward *o) {
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, r->protocols);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, outward_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, o);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, r->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     r->timeout_ms < r->connect_ms ? r->timeout_ms : r->connect_ms);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_USERAGENT, r->agent);
    /* A name server that does not answer must not hold up the thread when the time is over. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    if (r->ca_file != NULL && r->ca_file[0] != '\0')
        curl_easy_setopt(e, CURLOPT_CAINFO, r->ca_file);
}
