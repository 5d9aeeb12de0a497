#include "schemas/voice/voice_grant.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void claims_of_a_person(void **state) {
    (void)state;
    struct voice_join j = {"key", "r", "u", "Ana \"A\"", "t", true, {2, 17}, 1800000000, 1800000060};
    struct jbuf out = {0};
    voice_join_claims(&j, &out);
    assert_string_equal(
        out.p, "{\"iss\":\"key\",\"sub\":\"u\",\"name\":\"Ana \\\"A\\\"\",\"jti\":\"t\",\"nbf\":1800000000,"
               "\"iat\":1800000000,\"exp\":1800000060,\"video\":{\"room\":\"r\",\"roomJoin\":true,"
               "\"canPublish\":true,\"canSubscribe\":true,\"canPublishData\":true,"
               "\"canUpdateOwnMetadata\":false},\"attributes\":{\"usher.epoch\":\"2\","
               "\"usher.seq\":\"17\"}}");
    j.transmit = false;
    jb_reset(&out);
    voice_join_claims(&j, &out);
    assert_non_null(strstr(out.p, "\"canPublish\":false,\"canSubscribe\":true,\"canPublishData\":false"));
    jb_free(&out);
}

static void claims_of_a_bridge(void **state) {
    (void)state;
    struct jbuf out = {0};
    voice_bridge_claims("key", "r", 10, 20, &out);
    assert_string_equal(out.p,
                        "{\"iss\":\"key\",\"nbf\":10,\"iat\":10,\"exp\":20,\"video\":{\"roomCreate\":true,"
                        "\"roomList\":true,\"roomAdmin\":true,\"room\":\"r\"}}");
    jb_reset(&out);
    voice_bridge_claims("key", NULL, 10, 20, &out);
    assert_null(strstr(out.p, "\"room\""));
    jb_free(&out);
}

/* Whatever usher says fits what it says, and nothing else does. */
static void permissions(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int transmit; /* which of the two it is; -1: neither */
    } cases[] = {
        {"{\"can_subscribe\":true,\"can_publish\":true,\"can_publish_data\":true}", 1},
        {"{\"can_subscribe\":true,\"can_publish\":false,\"can_publish_data\":false}", 0},
        {"{\"canSubscribe\":true,\"canPublish\":true,\"canPublishData\":true}", 1},
        {"{\"can_subscribe\":true}", 0},
        {"{\"can_subscribe\":true,\"can_publish\":true}", -1},
        {"{\"can_subscribe\":true,\"can_publish_data\":true}", -1},
        {"{\"can_publish\":true,\"can_publish_data\":true}", -1},
        {"{\"can_subscribe\":true,\"can_update_metadata\":true}", -1},
        {"{}", -1},
        {"null", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *permission = json_loads(cases[i].text, JSON_DECODE_ANY, NULL);
        assert_int_equal(voice_permission_fits(permission, true), cases[i].transmit == 1);
        assert_int_equal(voice_permission_fits(permission, false), cases[i].transmit == 0);
        json_decref(permission);
    }
    for (int transmit = 0; transmit < 2; transmit++) {
        struct jbuf out = {0};
        voice_permission(transmit == 1, &out);
        json_t *permission = json_loads(out.p, 0, NULL);
        assert_true(voice_permission_fits(permission, transmit == 1));
        assert_int_equal(json_object_size(permission), 3);
        json_decref(permission);
        jb_free(&out);
    }
}

static void numbers(void **state) {
    (void)state;
    struct jbuf out = {0};
    struct voice_number at;
    struct uuid workspace;
    voice_room_metadata("0190b3f2-0000-7000-8000-000000000001", (struct voice_number){3, 99}, &out);
    assert_string_equal(out.p, "usher 0190b3f2-0000-7000-8000-000000000001 3 99");
    assert_true(voice_room_metadata_read(out.p, &workspace, &at));
    assert_string_equal(workspace.s, "0190b3f2-0000-7000-8000-000000000001");
    assert_int_equal(at.epoch, 3);
    assert_int_equal(at.seq, 99);
    jb_free(&out);
    static const char *const foreign[] = {"",
                                          "usher",
                                          "usher ",
                                          "another's 1 2",
                                          "usher x",
                                          "{\"a\":1}",
                                          "usher 0190b3f2-0000-7000-8000-000000000001 1",
                                          "usher 0190b3f2-0000-7000-8000-000000000001 1 2 3"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_false(voice_room_metadata_read(foreign[i], &workspace, &at));
    assert_false(voice_room_metadata_read(NULL, &workspace, &at));

    json_t *attributes = json_pack("{s:s, s:s}", "usher.epoch", "1", "usher.seq", "12");
    at = voice_attributes_number(attributes);
    assert_true(at.epoch == 1 && at.seq == 12);
    json_object_set_new(attributes, "usher.epoch", json_string("x"));
    at = voice_attributes_number(attributes);
    assert_true(at.epoch == 0 && at.seq == 0);
    json_decref(attributes);
    assert_int_equal(voice_attributes_number(NULL).epoch, 0);

    assert_true(voice_number_compare((struct voice_number){1, 9}, (struct voice_number){2, 1}) < 0);
    assert_true(voice_number_compare((struct voice_number){2, 2}, (struct voice_number){2, 1}) > 0);
    assert_int_equal(voice_number_compare((struct voice_number){2, 1}, (struct voice_number){2, 1}), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_of_a_person),
        cmocka_unit_test(claims_of_a_bridge),
        cmocka_unit_test(permissions),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
