#include "ingest/api/docs_page.h"

#include "schemas/text/jsonx.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:#0a58ca}\n"
    "@media(prefers-color-scheme:dark){:root{--link:#8ab4f8}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:60rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
    "a{color:var(--link)}\n"
    "h1{margin:.5rem 0}h2{margin:2.5rem 0 .5rem;border-bottom:2px solid var(--line)}\n"
    "h3{margin:0;font-size:1.05rem}h4{margin:1rem 0 .3rem;font-size:.95rem}\n"
    "nav ul{list-style:none;margin:.2rem 0 1rem;padding:0}nav li{padding:.1rem 0}\n"
    "article{margin:1rem 0;padding:.8rem;border:1px solid var(--line);border-radius:.5rem}\n"
    "code,pre{font:.875em/1.45 ui-monospace,monospace}\n"
    "pre{margin:.3rem 0;padding:.6rem;overflow-x:auto;background:var(--soft);border-radius:.3rem}\n"
    "dl{margin:0}dt{margin-top:.4rem}dd{margin:0 0 0 1.2rem}dd dl{border-left:2px solid var(--line);padding-left:.6rem}\n"
    ".m{display:inline-block;min-width:4.2em;padding:0 .4em;border-radius:.3em;background:#556;color:#fff;text-align:center;"
    "font:.8em/1.6 ui-monospace,monospace}\n"
    ".post{background:#1a6b3c}.put,.patch{background:#8a5200}.delete{background:#a11d2c}.get{background:#1d559a}\n"
    ".t{opacity:.75;font-size:.9em}summary{cursor:pointer}\n"
    "</style>\n";

/* ---- text ---- */

static void put_text(struct jbuf *out, const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (s[i]) {
        case '<':
            jb_raw(out, "&lt;");
            break;
        case '>':
            jb_raw(out, "&gt;");
            break;
        case '&':
            jb_raw(out, "&amp;");
            break;
        case '"':
            jb_raw(out, "&quot;");
            break;
        case '\'':
            jb_raw(out, "&#39;");
            break;
        default:
            jb_mem(out, &s[i], 1);
        }
    }
}

static void put(struct jbuf *out, const char *s) {
    if (s != NULL)
        put_text(out, s, strlen(s));
}

/* Between two marks of the same kind. */
static void put_in(struct jbuf *out, const char *before, const char *s, const char *after) {
    jb_raw(out, before);
    put(out, s);
    jb_raw(out, after);
}

/* A description: `words` are code, line ends are kept. */
static void put_prose(struct jbuf *out, const char *s) {
    bool code = false;
    for (; s != NULL && *s != '\0'; s++) {
        if (*s == '`') {
            code = !code;
            jb_raw(out, code ? "<code>" : "</code>");
        } else if (*s == '\n') {
            jb_raw(out, "<br>\n");
        } else {
            put_text(out, s, 1);
        }
    }
    if (code)
        jb_raw(out, "</code>");
}

static void put_paragraph(struct jbuf *out, const char *s) {
    if (s == NULL)
        return;
    jb_raw(out, "<p>");
    put_prose(out, s);
    jb_raw(out, "</p>\n");
}

static const char *text_of(const json_t *o, const char *name) {
    return json_string_value(json_object_get(o, name));
}

static void put_example(struct jbuf *out, const json_t *value) {
    if (value == NULL)
        return;
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (text != NULL) {
        jb_raw(out, "<details><summary>Example</summary>");
        put_in(out, "<pre>", text, "</pre></details>\n");
    }
    free(text);
}

/* ---- references ---- */

/* The last part of "#/components/schemas/User"; NULL for what is no reference. */
static const char *ref_name(const json_t *o) {
    const char *ref = text_of(o, "$ref"), *slash = ref != NULL ? strrchr(ref, '/') : NULL;
    return slash != NULL ? slash + 1 : NULL;
}

/* What a reference into the components names; what is none is itself. */
static const json_t *resolve(const json_t *doc, const char *kind, const json_t *o) {
    const char *name = ref_name(o);
    return name == NULL ? o
                        : json_object_get(json_object_get(json_object_get(doc, "components"), kind), name);
}

/* ---- schemas ---- */

static void put_schema_link(struct jbuf *out, const char *name) {
    put_in(out, "<a href=\"#schema-", name, "\">");
    put_in(out, "", name, "</a>");
}

static bool says_type(const json_t *type, const char *name) {
    size_t i;
    json_t *one;
    if (json_is_string(type))
        return strcmp(json_string_value(type), name) == 0;
    json_array_foreach(type, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

static void put_number(struct jbuf *out, const char *before, const json_t *value) {
    if (!json_is_integer(value))
        return;
    jb_raw(out, before);
    jb_int(out, json_integer_value(value));
}

static void put_choices(struct jbuf *out, const json_t *values) {
    size_t i;
    json_t *one;
    json_array_foreach(values, i, one) {
        jb_raw(out, i == 0 ? " <code>" : " | <code>");
        put_in(out, "", json_string_value(one), "</code>");
    }
}

/* A type in a line: "text, uuid", "list of Member, or null". */
static void put_type(struct jbuf *out, const json_t *schema) {
    static const char *const names[][2] = {
        {"string", "text"},           {"integer", "whole number"}, {"number", "number"},
        {"boolean", "true or false"}, {"object", "object"},
    };
    const json_t *type = json_object_get(schema, "type"), *items = json_object_get(schema, "items");
    if (ref_name(schema) != NULL) {
        put_schema_link(out, ref_name(schema));
        return;
    }
    if (says_type(type, "array")) {
        jb_raw(out, "list of ");
        put_type(out, items);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (says_type(type, names[i][0]))
            jb_raw(out, names[i][1]);
    if (text_of(schema, "format") != NULL)
        put_in(out, ", ", text_of(schema, "format"), "");
    put_choices(out, json_object_get(schema, "enum"));
    put_number(out, ", from ", json_object_get(schema, "minimum"));
    put_number(out, " to ", json_object_get(schema, "maximum"));
    if (json_object_get(schema, "default") != NULL) {
        jb_raw(out, ", default <code>");
        struct jbuf text = {0};
        jsonx_text(json_object_get(schema, "default"), &text);
        put_in(out, "", text.p, "</code>");
        jb_free(&text);
    }
    if (says_type(type, "null"))
        jb_raw(out, ", or null");
}

static bool is_required(const json_t *schema, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(schema, "required"), i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* An object's members, each with its own below it. */
static void put_members(struct jbuf *out, const json_t *schema) {
    const json_t *inner =
        says_type(json_object_get(schema, "type"), "array") ? json_object_get(schema, "items") : schema;
    const json_t *members = json_object_get(inner, "properties");
    const char *name;
    json_t *one;
    if (json_object_size(members) == 0)
        return;
    jb_raw(out, "<dl>\n");
    json_object_foreach((json_t *)members, name, one) {
        put_in(out, "<dt><code>", name, "</code> <span class=\"t\">");
        put_type(out, one);
        if (is_required(inner, name))
            jb_raw(out, ", required");
        if (json_is_true(json_object_get(one, "readOnly")))
            jb_raw(out, ", read only");
        jb_raw(out, "</span></dt><dd>");
        put_prose(out, text_of(one, "description"));
        put_members(out, one);
        jb_raw(out, "</dd>\n");
    }
    jb_raw(out, "</dl>\n");
}

static void put_schemas(struct jbuf *out, const json_t *doc) {
    const char *name;
    json_t *one;
    jb_raw(out, "<h2 id=\"schemas\">Schemas</h2>\n");
    json_object_foreach(json_object_get(json_object_get(doc, "components"), "schemas"), name, one) {
        put_in(out, "<article id=\"schema-", name, "\">");
        put_in(out, "<h3>", name, "</h3>\n");
        put_paragraph(out, text_of(one, "description"));
        put_members(out, one);
        jb_raw(out, "</article>\n");
    }
}

/* ---- operations ---- */

/* Who may: one line per way in, with its scopes or roles. */
static void put_security(struct jbuf *out, const json_t *operation) {
    const json_t *ways = json_object_get(operation, "security");
    size_t i, k;
    json_t *way, *need, *needs;
    const char *scheme;
    jb_raw(out, "<p class=\"t\">Credentials: ");
    if (json_array_size(ways) == 0)
        jb_raw(out, "none");
    json_array_foreach(ways, i, way) {
        jb_raw(out, i > 0 ? "; or " : "");
        if (json_object_size(way) == 0)
            jb_raw(out, "in the body");
        json_object_foreach(way, scheme, needs) {
            put_in(out, "<a href=\"#credentials-", scheme, "\">");
            put_in(out, "", scheme, "</a>");
            json_array_foreach(needs, k, need) {
                put_in(out, " <code>", json_string_value(need), "</code>");
            }
        }
    }
    jb_raw(out, "</p>\n");
}

static void put_parameters(struct jbuf *out, const json_t *doc, const json_t *operation) {
    const json_t *list = json_object_get(operation, "parameters");
    size_t i;
    json_t *one;
    if (json_array_size(list) == 0)
        return;
    jb_raw(out, "<h4>Parameters</h4>\n<dl>\n");
    json_array_foreach(list, i, one) {
        const json_t *p = resolve(doc, "parameters", one);
        put_in(out, "<dt><code>", text_of(p, "name"), "</code> <span class=\"t\">");
        put_in(out, "", text_of(p, "in"), ", ");
        put_type(out, json_object_get(p, "schema"));
        if (json_is_true(json_object_get(p, "required")))
            jb_raw(out, ", required");
        jb_raw(out, "</span></dt><dd>");
        put_prose(out, text_of(p, "description"));
        jb_raw(out, "</dd>\n");
    }
    jb_raw(out, "</dl>\n");
}

/* Media types with what they hold; the example of the first. */
static void put_content(struct jbuf *out, const json_t *content) {
    const char *type;
    json_t *one;
    const json_t *example = NULL, *schema = NULL;
    json_object_foreach((json_t *)content, type, one) {
        put_in(out, schema == NULL ? " <code>" : ", <code>", type, "</code>");
        example = example != NULL ? example : json_object_get(one, "example");
        schema = schema != NULL ? schema : json_object_get(one, "schema");
    }
    if (schema == NULL)
        return;
    jb_raw(out, ": ");
    put_type(out, schema);
    put_members(out, schema);
    put_example(out, example);
}

static void put_body(struct jbuf *out, const json_t *operation) {
    const json_t *body = json_object_get(operation, "requestBody");
    if (body == NULL)
        return;
    jb_raw(out, "<h4>Body</h4>\n<div>");
    put_prose(out, text_of(body, "description"));
    if (!json_is_true(json_object_get(body, "required")))
        jb_raw(out, " May be left out.");
    put_content(out, json_object_get(body, "content"));
    jb_raw(out, "</div>\n");
}

static void put_answers(struct jbuf *out, const json_t *doc, const json_t *operation) {
    const char *status, *name;
    json_t *one, *header;
    jb_raw(out, "<h4>Answers</h4>\n<dl>\n");
    json_object_foreach(json_object_get(operation, "responses"), status, one) {
        const json_t *r = resolve(doc, "responses", one);
        const char *sep = " Headers: <code>";
        put_in(out, "<dt><code>", status, "</code></dt><dd>");
        put_prose(out, text_of(r, "description"));
        json_object_foreach(json_object_get(r, "headers"), name, header) {
            put_in(out, sep, name, "</code>");
            sep = ", <code>";
        }
        if (ref_name(one) == NULL || status[0] < '4')
            put_content(out, json_object_get(r, "content"));
        jb_raw(out, "</dd>\n");
    }
    jb_raw(out, "</dl>\n");
}

static void put_heading(struct jbuf *out, const char *method, const char *path) {
    put_in(out, "<span class=\"m ", method, "\">");
    for (const char *c = method; *c != '\0'; c++) {
        char up = (char)toupper((unsigned char)*c);
        put_text(out, &up, 1);
    }
    put_in(out, "</span> <code>", path, "</code>");
}

static void put_operation(struct jbuf *out, const json_t *doc, const char *method, const char *path,
                          const json_t *operation) {
    put_in(out, "<article id=\"", text_of(operation, "operationId"), "\"><h3>");
    put_heading(out, method, path);
    put_in(out, "</h3>\n<p><b>", text_of(operation, "summary"), "</b></p>\n");
    put_paragraph(out, text_of(operation, "description"));
    put_security(out, operation);
    put_parameters(out, doc, operation);
    put_body(out, operation);
    put_answers(out, doc, operation);
    jb_raw(out, "</article>\n");
}

static void put_link(struct jbuf *out, const json_t *doc, const char *method, const char *path,
                     const json_t *operation) {
    (void)doc;
    put_in(out, "<li><a href=\"#", text_of(operation, "operationId"), "\">");
    put_heading(out, method, path);
    put_in(out, "</a> ", text_of(operation, "summary"), "</li>\n");
}

typedef void put_fn(struct jbuf *out, const json_t *doc, const char *method, const char *path,
                    const json_t *operation);

/* Those of one tag, in the document's order. */
static void each_operation(struct jbuf *out, const json_t *doc, const char *tag, put_fn *fn) {
    const char *path, *method;
    json_t *item, *operation;
    json_object_foreach(json_object_get(doc, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            const char *first = json_string_value(json_array_get(json_object_get(operation, "tags"), 0));
            if (first != NULL && strcmp(first, tag) == 0)
                fn(out, doc, method, path, operation);
        }
    }
}

/* ---- the page ---- */

static void put_credentials(struct jbuf *out, const json_t *doc) {
    const char *name;
    json_t *one;
    jb_raw(out, "<h2 id=\"credentials\">Credentials</h2>\n<dl>\n");
    json_object_foreach(json_object_get(json_object_get(doc, "components"), "securitySchemes"), name, one) {
        put_in(out, "<dt id=\"credentials-", name, "\"><code>");
        put_in(out, "", name, "</code></dt><dd>");
        put_prose(out, text_of(one, "description"));
        jb_raw(out, "</dd>\n");
    }
    jb_raw(out, "</dl>\n");
}

static void put_contents(struct jbuf *out, const json_t *doc, const json_t *tags) {
    size_t i;
    json_t *tag;
    jb_raw(out, "<nav aria-label=\"Contents\">\n");
    json_array_foreach(tags, i, tag) {
        const char *name = text_of(tag, "name");
        if (name == NULL)
            continue;
        put_in(out, "<b><a href=\"#tag-", name, "\">");
        put_in(out, "", name, "</a></b>\n<ul>\n");
        each_operation(out, doc, name, put_link);
        jb_raw(out, "</ul>\n");
    }
    jb_raw(out, "<p><a href=\"#credentials\">Credentials</a> · <a href=\"#schemas\">Schemas</a> · <a "
                "href=\"openapi.json\">openapi.json</a></p>\n</nav>\n");
}

void docs_page_put(const json_t *doc, struct jbuf *out) {
    const json_t *info = json_object_get(doc, "info"), *tags = json_object_get(doc, "tags");
    size_t i;
    json_t *tag;
    jb_raw(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    put_in(out, "<title>", text_of(info, "title"), " API</title>\n");
    jb_raw(out, style);
    put_in(out, "</head><body>\n<header><h1>", text_of(info, "title"), " <span class=\"t\">");
    put_in(out, "", text_of(info, "version"), "</span></h1>\n");
    put_paragraph(out, text_of(info, "description"));
    jb_raw(out, "</header>\n");
    put_contents(out, doc, tags);
    jb_raw(out, "<main>\n");
    json_array_foreach(tags, i, tag) {
        const char *name = text_of(tag, "name");
        if (name == NULL)
            continue;
        put_in(out, "<h2 id=\"tag-", name, "\">");
        put_in(out, "", name, "</h2>\n");
        put_paragraph(out, text_of(tag, "description"));
        each_operation(out, doc, name, put_operation);
    }
    put_credentials(out, doc);
    put_schemas(out, doc);
    jb_raw(out, "</main>\n</body></html>\n");
}
