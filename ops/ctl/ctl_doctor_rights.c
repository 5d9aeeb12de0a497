/* usherctl doctor: have the principals of ingest and worker the rights that they need (ops/topics.md, "Access
 * rights")? Read from Kafka's ACLs, so nothing has to fail first. */
#include "ops/ctl/ctl_doctor.h"

#include <stdio.h>
#include <string.h>

#define AREA "rights"

/* One right: a program, what on, which, to do what. */
struct need {
    const char *program; /* the flag that names its principal */
    rd_kafka_ResourceType_t type;
    const char *name;
    rd_kafka_AclOperation_t operation;
};

#define T RD_KAFKA_RESOURCE_TOPIC
#define G RD_KAFKA_RESOURCE_GROUP
#define READ RD_KAFKA_ACL_OPERATION_READ
#define WRITE RD_KAFKA_ACL_OPERATION_WRITE
#define DESCRIBE RD_KAFKA_ACL_OPERATION_DESCRIBE
#define SETTINGS RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS
#define DELETE RD_KAFKA_ACL_OPERATION_DELETE

static const struct need needs[] = {
    {"ingest", T, TOPIC_COMMANDS, WRITE},
    {"ingest", T, TOPIC_AUDIT, WRITE},
    {"ingest", T, TOPIC_REPLIES, READ},
    {"ingest", T, TOPIC_MEMBERSHIP, DESCRIBE},
    {"ingest", T, TOPIC_ROOMS, DESCRIBE},
    {"ingest", T, TOPIC_EVENTS, DESCRIBE},
    {"ingest", T, TOPIC_CHECKPOINTS, DESCRIBE},
    {"ingest", T, TOPIC_DEADLETTER, DESCRIBE},
    {"ingest", G, "usher-unjoined", DESCRIBE},
    {"worker", T, TOPIC_COMMANDS, READ},
    {"worker", T, TOPIC_COMMANDS, WRITE},
    {"worker", T, TOPIC_REPLIES, WRITE},
    {"worker", T, TOPIC_MEMBERSHIP, READ},
    {"worker", T, TOPIC_MEMBERSHIP, WRITE},
    {"worker", T, TOPIC_ROOMS, READ},
    {"worker", T, TOPIC_ROOMS, WRITE},
    {"worker", T, TOPIC_EVENTS, READ},
    {"worker", T, TOPIC_EVENTS, WRITE},
    {"worker", T, TOPIC_AUDIT, READ},
    {"worker", T, TOPIC_AUDIT, WRITE},
    {"worker", T, TOPIC_CHECKPOINTS, READ},
    {"worker", T, TOPIC_CHECKPOINTS, WRITE},
    {"worker", T, TOPIC_DEADLETTER, READ},
    {"worker", T, TOPIC_DEADLETTER, WRITE},
    {"worker", T, TOPIC_COMMANDS, SETTINGS},
    {"worker", T, TOPIC_AUDIT, SETTINGS},
    {"worker", G, "usher-worker", READ},
    {"worker", G, "usher-worker-archive", READ},
    {"worker", G, "usher-worker-deliver", READ},
    {"worker", G, "usher-selfcheck-0", READ},
    {"worker", G, "usher-selfcheck-0", DELETE},
};

static const char *operation_name(rd_kafka_AclOperation_t o) {
    return o == READ       ? "Read"
           : o == WRITE    ? "Write"
           : o == DELETE   ? "Delete"
           : o == SETTINGS ? "DescribeConfigs"
                           : "Describe";
}

/* Who may read, write, delete or alter may also describe (Kafka's own rule). */
static bool allows(rd_kafka_AclOperation_t given, rd_kafka_AclOperation_t wanted) {
    if (given == wanted || given == RD_KAFKA_ACL_OPERATION_ALL)
        return true;
    if (wanted == SETTINGS)
        return given == RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS;
    return wanted == DESCRIBE &&
           (given == READ || given == WRITE || given == DELETE || given == RD_KAFKA_ACL_OPERATION_ALTER);
}

static bool is_about(const rd_kafka_AclBinding_t *b, const struct need *need, const char *principal) {
    const char *who = rd_kafka_AclBinding_principal(b), *name = rd_kafka_AclBinding_name(b);
    if (rd_kafka_AclBinding_restype(b) != need->type ||
        (strcmp(who, principal) != 0 && strcmp(who, "User:*") != 0))
        return false;
    if (rd_kafka_AclBinding_resource_pattern_type(b) == RD_KAFKA_RESOURCE_PATTERN_PREFIXED)
        return strncmp(name, need->name, strlen(name)) == 0;
    return strcmp(name, need->name) == 0 || strcmp(name, "*") == 0;
}

static bool is_met(const rd_kafka_AclBinding_t *const *bindings, size_t n, const struct need *need,
                   const char *principal) {
    bool met = false;
    for (size_t i = 0; i < n; i++) {
        rd_kafka_AclOperation_t given = rd_kafka_AclBinding_operation(bindings[i]);
        if (!is_about(bindings[i], need, principal))
            continue;
        if (rd_kafka_AclBinding_permission_type(bindings[i]) != RD_KAFKA_ACL_PERMISSION_TYPE_DENY)
            met = met || allows(given, need->operation);
        else if (given == need->operation || given == RD_KAFKA_ACL_OPERATION_ALL)
            return false;
    }
    return met;
}

static void judge_program(struct doctor *d, const rd_kafka_AclBinding_t *const *bindings, size_t n,
                          const char *program) {
    const char *principal = ctl_flag(d->c->args, program);
    int missing = 0;
    if (principal == NULL) {
        doctor_say(d, DOCTOR_OK, AREA, program, NULL, "not looked at: --%s names its principal (User:…)",
                   program);
        return;
    }
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (strcmp(needs[i].program, program) != 0 || is_met(bindings, n, &needs[i], principal))
            continue;
        missing++;
        doctor_say(d, DOCTOR_BAD, AREA, program, "kafka-acls.sh --add (ops/topics.md, \"Access rights\")",
                   "%s may not %s %s %s", principal, operation_name(needs[i].operation),
                   needs[i].type == T ? "the topic" : "the group", needs[i].name);
    }
    if (missing == 0)
        doctor_say(d, DOCTOR_OK, AREA, program, NULL, "%s has the rights to topics and groups that it needs",
                   principal);
}

static void ask_acls(rd_kafka_t *rk, const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue,
                     void *ctx) {
    char text[256];
    (void)ctx;
    rd_kafka_AclBindingFilter_t *all = rd_kafka_AclBindingFilter_new(
        RD_KAFKA_RESOURCE_ANY, NULL, RD_KAFKA_RESOURCE_PATTERN_ANY, NULL, NULL, RD_KAFKA_ACL_OPERATION_ANY,
        RD_KAFKA_ACL_PERMISSION_TYPE_ANY, text, sizeof text);
    rd_kafka_DescribeAcls(rk, all, options, queue);
    rd_kafka_AclBinding_destroy(all);
}

void doctor_rights(struct doctor *d, rd_kafka_t *rk) {
    static const char *const programs[] = {"ingest", "worker"};
    char why[300];
    size_t n;
    rd_kafka_event_t *event = doctor_ask(rk, RD_KAFKA_ADMIN_OP_DESCRIBEACLS, ask_acls, NULL, why, sizeof why);
    if (event == NULL) {
        bool asked = ctl_flag(d->c->args, "ingest") != NULL || ctl_flag(d->c->args, "worker") != NULL;
        doctor_say(
            d, asked ? DOCTOR_WARN : DOCTOR_OK, AREA, "ACLs",
            asked
                ? "give this principal Describe on the cluster; without ACLs, leave --ingest and --worker out"
                : NULL,
            "cannot be seen: %s", why);
        return;
    }
    const rd_kafka_AclBinding_t **bindings =
        rd_kafka_DescribeAcls_result_acls(rd_kafka_event_DescribeAcls_result(event), &n);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        judge_program(d, bindings, n, programs[i]);
    rd_kafka_event_destroy(event);
}
