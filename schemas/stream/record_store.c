/* The form in which records are stored beside a command's outcome: the event of an asynchronous one, which is
 * asked for later. (Versions before stored all records so, until they were emitted.)
 *
 *     ["<traceparent or empty>",["<topic>","<key>","<ce_id>","<ce_type>","<ce_subject>",<time in
 * us>,<seq>,"<value>" or null],…]
 *
 * Positions instead of names keep it short: it is written with every change. The value is kept as a string,
 * not as JSON, so that no column type can reorder or respell it. */
#include "schemas/stream/record.h"

#include <string.h>

enum { COL_TOPIC, COL_KEY, COL_ID, COL_TYPE, COL_SUBJECT, COL_TIME, COL_SEQ, COL_VALUE, NCOLS };
static const json_type column_types[NCOLS] = {
    JSON_STRING, JSON_STRING, JSON_STRING, JSON_STRING, JSON_STRING, JSON_INTEGER, JSON_INTEGER, JSON_STRING,
};

void record_list_encode(const struct record *rows, size_t n, const char *traceparent, struct jbuf *out) {
    jb_raw(out, "[");
    jb_str(out, traceparent != NULL ? traceparent : "");
    for (size_t i = 0; i < n; i++) {
        const struct record *r = &rows[i];
        const char *const texts[] = {record_topic_name(r->topic), r->key, r->ce_id, r->ce_type,
                                     r->ce_subject};
        jb_raw(out, ",[");
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            jb_sep(out);
            jb_str(out, texts[k]);
        }
        jb_raw(out, ",");
        jb_int(out, r->time_us);
        jb_raw(out, ",");
        jb_int(out, r->seq);
        jb_raw(out, ",");
        jb_str(out, r->value);
        jb_raw(out, "]");
    }
    jb_raw(out, "]");
}

static bool topic_parse(const char *name, enum record_topic *topic) {
    for (int t = RECORD_MEMBERSHIP; t <= RECORD_AUDIT; t++) {
        if (strcmp(name, record_topic_name((enum record_topic)t)) == 0) {
            *topic = (enum record_topic)t;
            return true;
        }
    }
    return false;
}

static const char *column_text(const json_t *row, size_t col, struct arena *a) {
    return arena_strdup(a, json_string_value(json_array_get(row, col))); /* NULL for null */
}

static bool row_decode(const json_t *row, struct arena *a, struct record *r) {
    if (!json_is_array(row) || json_array_size(row) != NCOLS)
        return false;
    for (size_t col = 0; col < NCOLS; col++) {
        const json_t *v = json_array_get(row, col);
        if (json_typeof(v) != column_types[col] && !(col == COL_VALUE && json_is_null(v)))
            return false;
    }
    if (!topic_parse(json_string_value(json_array_get(row, COL_TOPIC)), &r->topic))
        return false;
    r->key = column_text(row, COL_KEY, a);
    r->ce_id = column_text(row, COL_ID, a);
    r->ce_type = column_text(row, COL_TYPE, a);
    r->ce_subject = column_text(row, COL_SUBJECT, a);
    r->time_us = json_integer_value(json_array_get(row, COL_TIME));
    r->epoch = STREAM_EPOCH_FIRST; /* of a version that knew no other, or not for a stream */
    r->seq = json_integer_value(json_array_get(row, COL_SEQ));
    r->value = column_text(row, COL_VALUE, a);
    return true;
}

enum err_code record_list_decode(const char *text, struct arena *a, struct record_list *out,
                                 const char **traceparent, struct err *err) {
    json_error_t at;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &at);
    enum err_code code = ERR_OK;
    if (!json_is_array(root) || !json_is_string(json_array_get(root, 0)))
        code =
            err_set(err, ERR_DECODE, "stored records: %s", root == NULL ? at.text : "not a list of records");
    else
        *traceparent = column_text(root, 0, a);
    for (size_t i = 1; code == ERR_OK && i < json_array_size(root); i++) {
        struct record r = {0};
        if (row_decode(json_array_get(root, i), a, &r))
            *record_list_add(out) = r;
        else
            code = err_set(err, ERR_DECODE, "stored records: record %zu is malformed", i);
    }
    json_decref(root);
    return code;
}
