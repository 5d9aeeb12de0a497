/* What an administrator of Kafka can do to usher, for the tests:
 *
 *     kafka_admin BOOTSTRAP config TOPIC KEY VALUE [KEY VALUE ...]      all settings of the topic that are
 * not the broker's kafka_admin BOOTSTRAP delete-records TOPIC PARTITION OFFSET       what stands before it
 *     kafka_admin BOOTSTRAP commit GROUP TOPIC PARTITION OFFSET         the group must have no members
 *     kafka_admin BOOTSTRAP forget GROUP                                all its offsets; the same
 *     kafka_admin BOOTSTRAP ends TOPIC PARTITION                        prints the first offset and the next
 * one
 *     kafka_admin BOOTSTRAP groups                                      prints the name of each */
#include "ops/runtime/kafka_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 20000

static rd_kafka_t *client(const char *bootstrap, const char *group) {
    struct err err = {0};
    enum kafka_role role = group != NULL ? KAFKA_CONSUMER_GROUP : KAFKA_ADMIN;
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, role);
    kafka_conf_set(conf, "bootstrap.servers", bootstrap);
    if (group != NULL)
        kafka_conf_set(conf, "group.id", group);
    rd_kafka_t *rk = kafka_open(conf, role, &err);
    if (rk == NULL) {
        fprintf(stderr, "%s\n", err_text(&err));
        exit(1);
    }
    return rk;
}

static void check(rd_kafka_resp_err_t code, const char *text) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    fprintf(stderr, "%s: %s\n", rd_kafka_err2name(code), text != NULL ? text : "");
    exit(1);
}

static rd_kafka_event_t *answer(rd_kafka_queue_t *queue) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, MS);
    if (event == NULL) {
        fprintf(stderr, "no answer\n");
        exit(1);
    }
    check(rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    return event;
}

static void alter(rd_kafka_t *rk, char **words) {
    size_t n;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, words[0]);
    for (words++; words[0] != NULL && words[1] != NULL; words += 2)
        check(rd_kafka_ConfigResource_set_config(resource, words[0], words[1]), words[0]);
    rd_kafka_AlterConfigs(rk, &resource, 1, NULL, queue);
    rd_kafka_event_t *event = answer(queue);
    const rd_kafka_ConfigResource_t **done =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &n);
    for (size_t i = 0; i < n; i++)
        check(rd_kafka_ConfigResource_error(done[i]), rd_kafka_ConfigResource_error_string(done[i]));
    rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_queue_destroy(queue);
}

static rd_kafka_topic_partition_list_t *place(const char *topic, const char *partition, const char *offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, atoi(partition))->offset = strtoll(offset, NULL, 10);
    return list;
}

static void delete_records(rd_kafka_t *rk, char **words) {
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_topic_partition_list_t *list = place(words[0], words[1], words[2]);
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(rk, &request, 1, NULL, queue);
    rd_kafka_event_t *event = answer(queue);
    const rd_kafka_topic_partition_list_t *done =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    for (int i = 0; i < done->cnt; i++)
        check(done->elems[i].err, words[0]);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
}

static void commit(rd_kafka_t *rk, char **words) {
    rd_kafka_topic_partition_list_t *list = place(words[1], words[2], words[3]);
    check(rd_kafka_commit(rk, list, 0), words[0]);
    check(list->elems[0].err, words[0]);
    rd_kafka_topic_partition_list_destroy(list);
}

static void forget(rd_kafka_t *rk, char **words) {
    size_t n;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteGroup_t *request = rd_kafka_DeleteGroup_new(words[0]);
    rd_kafka_DeleteGroups(rk, &request, 1, NULL, queue);
    rd_kafka_event_t *event = answer(queue);
    const rd_kafka_group_result_t **done =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &n);
    for (size_t i = 0; i < n; i++)
        check(rd_kafka_error_code(rd_kafka_group_result_error(done[i])), words[0]);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteGroup_destroy(request);
    rd_kafka_queue_destroy(queue);
}

static void ends(rd_kafka_t *rk, char **words) {
    int64_t first, next;
    check(rd_kafka_query_watermark_offsets(rk, words[0], atoi(words[1]), &first, &next, MS), words[0]);
    printf("%lld %lld\n", (long long)first, (long long)next);
}

static void groups(rd_kafka_t *rk, char **words) {
    const struct rd_kafka_group_list *list = NULL;
    (void)words;
    check(rd_kafka_list_groups(rk, NULL, &list, MS), "groups");
    for (int i = 0; i < list->group_cnt; i++)
        puts(list->groups[i].group);
    rd_kafka_group_list_destroy(list);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int words;
        void (*run)(rd_kafka_t *rk, char **words);
    } commands[] = {
        {"config", 3, alter},  {"delete-records", 3, delete_records},
        {"commit", 4, commit}, {"forget", 1, forget},
        {"ends", 2, ends},     {"groups", 0, groups},
    };
    for (size_t i = 0; argc > 2 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[2], commands[i].name) != 0 || argc < 3 + commands[i].words)
            continue;
        rd_kafka_t *rk = client(argv[1], commands[i].run == commit ? argv[3] : NULL);
        commands[i].run(rk, argv + 3);
        rd_kafka_destroy(rk);
        return 0;
    }
    fprintf(stderr, "usage: see the source\n");
    return 2;
}
