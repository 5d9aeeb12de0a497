/* The settings of the role deliver. */
#ifndef USHER_WORKERS_DELIVER_SETTINGS_H
#define USHER_WORKERS_DELIVER_SETTINGS_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

/* For the worker's table. */
#define DELIVER_CONFIG_ROWS                                                                                   \
    {"deliver-http", CONFIG_BOOL, "false", 0, 0, "endpoints may be http too, not only https", false},         \
        {"deliver-networks",                                                                                  \
         CONFIG_STR,                                                                                          \
         "",                                                                                                  \
         0,                                                                                                   \
         0,                                                                                                   \
         "networks that endpoints may be in besides public addresses, such as 10.1.0.0/16",                   \
         false},                                                                                              \
        {"deliver-ca",                                                                                        \
         CONFIG_STR,                                                                                          \
         "",                                                                                                  \
         0,                                                                                                   \
         0,                                                                                                   \
         "PEM file with who is trusted to name endpoints; empty: the system's",                               \
         false},                                                                                              \
        {"deliver-seconds", CONFIG_INT, "15", 1, 60, "how long an endpoint may take to answer", false},       \
        {"deliver-connections", CONFIG_INT, "256", 1, 4096, "requests to endpoints at a time", false},        \
        {"deliver-per-workspace", CONFIG_INT, "32", 1, 4096, "of those for one workspace", false},            \
        {"deliver-per-host", CONFIG_INT, "32", 1, 4096, "of those to one host", false},                       \
        {"deliver-retries",                                                                                   \
         CONFIG_STR,                                                                                          \
         "5,300,1800,7200,18000,36000,50400,72000,86400",                                                     \
         0,                                                                                                   \
         0,                                                                                                   \
         "seconds before each further attempt of a message; the last goes on",                                \
         false},                                                                                              \
        {"deliver-give-up-seconds",                                                                           \
         CONFIG_INT,                                                                                          \
         "432000",                                                                                            \
         1,                                                                                                   \
         31536000,                                                                                            \
         "an endpoint that has failed for so long is disabled",                                               \
         false},                                                                                              \
        {"deliver-days", CONFIG_INT, "7", 1, 365, "how many days messages are kept for endpoints", false},    \
        {"deliver-key",                                                                                       \
         CONFIG_FILE,                                                                                         \
         "",                                                                                                  \
         0,                                                                                                   \
         0,                                                                                                   \
         "PEM file with the EC key (P-256) that tokens of streams are signed with (ES256); empty: a new one " \
         "with each start",                                                                                   \
         false},                                                                                              \
    {                                                                                                         \
        "deliver-key-rsa", CONFIG_FILE, "", 0, 0,                                                             \
            "PEM file with the RSA key that tokens of streams are signed with (RS256); empty: a new one "     \
            "with each start",                                                                                \
            false                                                                                             \
    }

/* Lists that must be right. */
enum err_code deliver_judge(const struct config *config, struct err *err);

#endif
