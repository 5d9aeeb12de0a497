/* What value.c and value_list.c need of each other. */
#ifndef USHER_SCHEMAS_RESOURCE_VALUE_IMPL_H
#define USHER_SCHEMAS_RESOURCE_VALUE_IMPL_H

#include "schemas/resource/value.h"

/* ERR_INVALID_VALUE: "'<path>' <why>". */
enum err_code value_refuse(const struct attr_path *path, const char *why, struct err *err);
enum err_code value_normalise_list(const struct attr_path *path, const json_t *in, json_t **out,
                                   struct err *err);

#endif
