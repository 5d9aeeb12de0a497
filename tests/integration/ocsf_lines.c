/* ocsf_lines: records of usher.audit as lines on standard input ({"event":…,"record":…}) to OCSF on standard
 * output, and the end of an export. */
#include "ops/runtime/version.h"
#include "schemas/export/export.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *line = NULL;
    size_t size = 0;
    struct jbuf b = {0};
    while (getline(&line, &size, stdin) > 0) {
        json_t *given = json_loads(line, 0, NULL);
        if (given == NULL)
            return 1;
        export_ocsf(&b, json_object_get(given, "record"), json_string_value(json_object_get(given, "event")),
                    usher_version);
        json_decref(given);
    }
    export_end_ocsf(&b, &(struct export_end){.workspace = "w", .tree = "changes", .time_us = 1},
                    usher_version);
    fputs(b.p, stdout);
    jb_free(&b);
    free(line);
    return 0;
}
