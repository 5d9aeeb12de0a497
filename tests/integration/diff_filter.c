/* The differential test of filters, its half in memory: random resources to fill a store with, then random
 * filters and what each selects by filter_match out of the representations that the store shows (so with ids,
 * meta, groups and members). test_diff_filter.py asks the API the same.
 *
 *   diff_filter SEED resources TYPE N [IDS]     N bodies, one a line; IDS: file with an array of ids that
 * rooms take as members diff_filter SEED filters N FILE             FILE: {"User": [representation…],
 * "Group": […], …} one line each: {"type", "filter", "match": [id…]}, or "refused": why, where the filter is
 * none
 *
 * Before them, the option --schemas DIR loads resource types as the programs do. */
#include "ops/runtime/arena.h"
#include "schemas/filter/filter.h"
#include "tests/support/random_scim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "diff_filter: %s: %s\n", what, why);
    exit(2);
}

static json_t *load(const char *path) {
    json_error_t e;
    json_t *v = json_load_file(path, 0, &e);
    if (v == NULL)
        die(path, e.text);
    return v;
}

static void print(json_t *line) {
    if (line == NULL)
        die("a line", "cannot be put together");
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static void resources(struct random_scim *r, const char *type, int n) {
    const struct resource_type *rt = resource_type_by_name(type);
    if (rt == NULL)
        die(type, "is no resource type");
    for (; n > 0; n--)
        print(random_resource(r, rt));
}

/* ---- what filters may compare with ---- */

static void take_texts(const json_t *node, json_t *times, json_t *texts) {
    size_t i;
    const char *name;
    json_t *part;
    json_array_foreach((json_t *)node, i, part) {
        take_texts(part, times, texts);
    }
    json_object_foreach((json_t *)node, name, part) {
        bool is_time = strcmp(name, "created") == 0 || strcmp(name, "lastModified") == 0;
        if (json_is_string(part))
            json_array_append(is_time ? times : texts, part);
        else
            take_texts(part, times, texts);
    }
}

/* The same instant in another zone's words, so that only instants can be compared. */
static void add_zones(json_t *times) {
    size_t n = json_array_size(times);
    for (size_t i = 0; i < n; i += 3) {
        char text[64];
        const char *utc = json_string_value(json_array_get(times, i));
        int hour, minute;
        if (strlen(utc) < 20 || sscanf(utc + 11, "%2d:%2d", &hour, &minute) != 2 || hour >= 22)
            continue; /* the next day would need a calendar */
        snprintf(text, sizeof text, "%.11s%02d:%02d%.*s+01:30", utc, hour + 1 + (minute + 30) / 60,
                 (minute + 30) % 60, (int)strcspn(utc + 16, "Z"), utc + 16);
        json_array_append_new(times, json_string(text));
    }
}

static json_t *ids_of(const json_t *store) {
    json_t *ids = json_pack("[s]", "nobody"), *list, *one;
    const char *type;
    size_t i;
    json_object_foreach((json_t *)store, type, list) {
        json_array_foreach(list, i, one) {
            json_array_append(ids, json_object_get(one, "id"));
        }
    }
    return ids;
}

/* ---- filters ---- */

#define TYPES_MAX 32

struct store {
    json_t *shown; /* {"User": [representation…], …} */
    const struct resource_type *types[TYPES_MAX];
    size_t ntypes;
};

static void match(const struct filter *f, const json_t *list, json_t *ids) {
    json_t *one;
    size_t i;
    json_array_foreach((json_t *)list, i, one) {
        if (filter_match(f, one))
            json_array_append(ids, json_object_get(one, "id"));
    }
}

/* types: one, or all for a query over all (F9). */
static void one_filter(const char *text, const struct resource_type *const *types, size_t ntypes,
                       const struct store *store) {
    struct err err = {0};
    struct arena *a = arena_new();
    const struct filter *trees[TYPES_MAX];
    const char *name = ntypes == 1 ? types[0]->name : "";
    if (filter_parse_types(types, ntypes, DIALECT_RFC, text, strlen(text), a, trees, &err) == ERR_OK) {
        json_t *ids = json_array();
        for (size_t i = 0; i < ntypes; i++)
            match(trees[i], json_object_get(store->shown, types[i]->name), ids);
        print(json_pack("{ssssso}", "type", name, "filter", text, "match", ids));
    } else {
        print(json_pack("{ssssss}", "type", name, "filter", text, "refused", err_text(&err)));
    }
    arena_free(a);
}

static void filters(struct random_scim *r, int n, const char *path) {
    struct store store = {.shown = load(path)};
    json_t *ids = ids_of(store.shown), *times = json_array(), *texts = json_array();
    for (size_t i = 0; resource_type_at(i) != NULL && store.ntypes < TYPES_MAX; i++)
        if (json_object_get(store.shown, resource_type_at(i)->name) != NULL)
            store.types[store.ntypes++] = resource_type_at(i);
    take_texts(store.shown, times, texts);
    add_zones(times);
    r->ids = ids;
    r->times = times;
    r->texts = texts;
    for (; n > 0; n--) {
        struct jbuf text = {0};
        size_t type = random_pick(r, store.ntypes);
        bool all = random_pick(r, 10) == 0;
        random_filter(r, store.types[type], 3, &text);
        one_filter(text.p, all ? store.types : &store.types[type], all ? store.ntypes : 1, &store);
        jb_free(&text);
    }
    json_decref(store.shown);
    json_decref(ids);
    json_decref(times);
    json_decref(texts);
}

int main(int argc, char **argv) {
    random_schemas(&argc, &argv);
    struct random_scim r = {.prefix = argc > 1 ? argv[1] : ""};
    if (argc < 5)
        die("usage", "diff_filter SEED resources TYPE N [IDS] | filters N FILE");
    random_seed(&r, strtoull(argv[1], NULL, 10));
    if (strcmp(argv[2], "resources") == 0) {
        json_t *ids = argc > 5 ? load(argv[5]) : NULL;
        r.ids = ids;
        resources(&r, argv[3], atoi(argv[4]));
        json_decref(ids);
    } else {
        filters(&r, atoi(argv[3]), argv[4]);
    }
    return 0;
}
