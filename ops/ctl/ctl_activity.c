/* usherctl activity: what the keys of a workspace do, in numbers. The archive counts it for the admin API. */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"

#include "schemas/text/jsonx.h"

#include <string.h>

static void print_latency(struct jbuf *b, const json_t *total) {
    static const char *const marks[] = {"p50Us", "p99Us"};
    const json_t *latency = json_object_get(total, "latency");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (json_is_integer(json_object_get(latency, marks[i])))
            jb_printf(b, ", %.3s %.1f ms", marks[i], (double)ctl_number(latency, marks[i]) / 1000);
}

static void print_key_activity(struct jbuf *b, const json_t *key) {
    const json_t *total = json_object_get(key, "total");
    jb_printf(b, "%s  %s  (%s)\n  last used %s, last write %s\n", ctl_or(ctl_text(key, "id"), "-"),
              ctl_or(ctl_text(key, "name"), "-"), ctl_or(ctl_text(key, "kind"), "-"),
              ctl_or(ctl_text(key, "lastUse"), "never"), ctl_or(ctl_text(key, "lastWrite"), "never"));
    jb_printf(b, "  %lld requests, %lld writes: %lld good, %lld refused, %lld limited, %lld failed",
              (long long)ctl_number(total, "requests"), (long long)ctl_number(total, "writes"),
              (long long)ctl_number(total, "ok"), (long long)ctl_number(total, "refused"),
              (long long)ctl_number(total, "limited"), (long long)ctl_number(total, "failed"));
    print_latency(b, total);
    jb_raw(b, "\n");
}

static void print_activity(struct jbuf *b, const json_t *activity) {
    const json_t *keys = json_object_get(activity, "keys"), *key;
    size_t i;
    jb_printf(b, "from %s to %s\n", ctl_or(ctl_text(activity, "from"), "-"),
              ctl_or(ctl_text(activity, "to"), "-"));
    json_array_foreach(keys, i, key) print_key_activity(b, key);
    if (json_array_size(keys) == 0)
        jb_raw(b, "no key has done anything\n");
}

static const struct ctl_list activities = {"activities", "", NULL, print_activity, NULL};

enum err_code ctl_activity(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    struct jbuf path = {0};
    json_t *activity = NULL;
    if (ctl_workspace_flag(c, &w, err) != ERR_OK)
        return err->code;
    jb_raw(&path, "/activity");
    for (size_t i = 0; i < c->args->nflags; i++)
        if (strcmp(c->args->flags[i].name, "workspace") != 0)
            ctl_http_parameter(&path, c->args->flags[i].name, c->args->flags[i].value);
    enum err_code code = ctl_far_ask(c, "GET", path.p, NULL, &activity, err);
    if (code == ERR_OK)
        ctl_show_item(c, &activities, "activity", activity);
    jb_free(&path);
    json_decref(activity);
    return code;
}
