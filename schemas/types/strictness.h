/* How much a workspace tolerates (its setting `strictness`): what follows is refused besides by each. */
#ifndef USHER_SCHEMAS_TYPES_STRICTNESS_H
#define USHER_SCHEMAS_TYPES_STRICTNESS_H

enum strictness {
    STRICTNESS_STANDARD, /* takes what identity providers send */
    STRICTNESS_STRICT,   /* refuses what is unknown, and values of another form than the schema's */
    STRICTNESS_INTEROP /* and all that the interoperability profile forbids (schemas/PROFILES.md, IO01 …) */
};
#define STRICTNESSES 3

extern const char *const strictness_names[STRICTNESSES + 1]; /* NULL-terminated */
/* The first one for a name that there is not. */
enum strictness strictness_of(const char *name);

#endif
