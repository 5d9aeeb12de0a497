/* Files of cases: run, compared, written. */
#include "tests/support/apply_case.h"

#include "ops/runtime/jbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing: one line for a command, a record, a row ---- */

static void put_compact(struct jbuf *out, const json_t *v) {
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    jb_raw(out, text);
    free(text);
}

static void put_records(struct jbuf *out, const json_t *records) {
    size_t i;
    json_t *record;
    jb_raw(out, "[");
    json_array_foreach((json_t *)records, i, record) {
        jb_raw(out, i == 0 ? "\n      " : ",\n      ");
        put_compact(out, record);
    }
    jb_raw(out, "]");
}

static void put_command(struct jbuf *out, const json_t *item) {
    const char *name;
    json_t *v;
    bool first = true;
    jb_raw(out, "\n    {");
    json_object_foreach((json_t *)item, name, v) {
        jb_printf(out, "%s\"%s\": ", first ? "" : ",\n     ", name);
        if (strcmp(name, "records") == 0)
            put_records(out, v);
        else
            put_compact(out, v);
        first = false;
    }
    jb_raw(out, "}");
}

static void put_commands(struct jbuf *out, const json_t *commands) {
    size_t i;
    json_t *item;
    jb_raw(out, "[");
    json_array_foreach((json_t *)commands, i, item) {
        if (i > 0)
            jb_raw(out, ",");
        put_command(out, item);
    }
    jb_raw(out, "]");
}

/* Tables: a line a row. */
static void put_tables(struct jbuf *out, const json_t *tables) {
    const char *table, *key;
    json_t *rows, *row;
    bool first = true;
    jb_raw(out, "{");
    json_object_foreach((json_t *)tables, table, rows) {
        bool first_row = true;
        jb_printf(out, "%s\n    \"%s\": {", first ? "" : ",", table);
        json_object_foreach(rows, key, row) {
            jb_printf(out, "%s\n      \"%s\": ", first_row ? "" : ",", key);
            put_compact(out, row);
            first_row = false;
        }
        jb_raw(out, "}");
        first = false;
    }
    jb_raw(out, "}");
}

static void put_case(struct jbuf *out, const json_t *c) {
    const char *name;
    json_t *v;
    bool first = true;
    jb_raw(out, "{");
    json_object_foreach((json_t *)c, name, v) {
        jb_printf(out, "%s\"%s\": ", first ? "" : ",\n  ", name);
        if (strcmp(name, "commands") == 0)
            put_commands(out, v);
        else if (strcmp(name, "state") == 0 || strcmp(name, "after") == 0)
            put_tables(out, v);
        else
            put_compact(out, v);
        first = false;
    }
    jb_raw(out, "}");
}

static void write_cases(const char *path, const json_t *cases) {
    struct jbuf out = {0};
    size_t i;
    json_t *c;
    jb_raw(&out, "[\n");
    json_array_foreach((json_t *)cases, i, c) {
        jb_raw(&out, i == 0 ? "" : ",\n\n");
        put_case(&out, c);
    }
    jb_raw(&out, "\n]\n");
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(out.p, 1, out.n, f) != out.n || fclose(f) != 0) {
        perror(path);
        exit(2);
    }
    jb_free(&out);
}

/* ---- comparing ---- */

static void print_difference(const char *what, const json_t *wanted, const json_t *got) {
    char *w = wanted != NULL ? json_dumps(wanted, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("nothing");
    char *g = got != NULL ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("nothing");
    printf("    %s\n      wanted %s\n         got %s\n", what, w, g);
    free(w);
    free(g);
}

static bool compare_member(const char *what, const char *name, const json_t *wanted, const json_t *got) {
    const json_t *w = json_object_get(wanted, name), *g = json_object_get(got, name);
    char label[80];
    if (w != NULL ? g != NULL && json_equal((json_t *)w, (json_t *)g) == 1 : g == NULL)
        return true;
    snprintf(label, sizeof label, "%s %s", what, name);
    print_difference(label, w, g);
    return false;
}

static bool compare_records(size_t n, const json_t *wanted, const json_t *got) {
    size_t most =
        json_array_size(wanted) > json_array_size(got) ? json_array_size(wanted) : json_array_size(got);
    bool same = true;
    for (size_t i = 0; i < most; i++) {
        const json_t *w = json_array_get(wanted, i), *g = json_array_get(got, i);
        char label[80];
        if (w != NULL && g != NULL && json_equal((json_t *)w, (json_t *)g) == 1)
            continue;
        snprintf(label, sizeof label, "command %zu, record %zu", n + 1, i + 1);
        print_difference(label, w, g);
        same = false;
    }
    return same;
}

static bool compare_case(const json_t *wanted, const json_t *got) {
    const json_t *commands = json_object_get(wanted, "commands");
    bool same = true;
    for (size_t i = 0; i < json_array_size(commands); i++) {
        const json_t *w = json_array_get(commands, i),
                     *g = json_array_get(json_object_get(got, "commands"), i);
        char label[40];
        snprintf(label, sizeof label, "command %zu:", i + 1);
        same &= compare_member(label, "outcome", w, g);
        same &= compare_records(i, json_object_get(w, "records"), json_object_get(g, "records"));
    }
    same &= compare_member("", "after", wanted, got);
    same &= compare_member("", "faults", wanted, got);
    return same;
}

/* ---- a file ---- */

static json_t *read_cases(const char *path) {
    json_error_t at;
    json_t *cases = json_load_file(path, JSON_REJECT_DUPLICATES, &at);
    if (!json_is_array(cases)) {
        fprintf(stderr, "%s:%d: %s\n", path, at.line, at.text);
        exit(2);
    }
    return cases;
}

size_t apply_case_file(const char *path, const struct case_place *place, bool update, size_t *ncases) {
    json_t *cases = read_cases(path), *results = json_array(), *c;
    size_t i, failed = 0;
    json_array_foreach(cases, i, c) {
        json_t *got = apply_case_run(c, place);
        json_array_append_new(results, got);
        if (update || compare_case(c, got))
            continue;
        printf("  %s: %s: %s\n", place->name, path, json_string_value(json_object_get(c, "name")));
        failed++;
    }
    *ncases += json_array_size(cases);
    if (update)
        write_cases(path, results);
    json_decref(results);
    json_decref(cases);
    return failed;
}
