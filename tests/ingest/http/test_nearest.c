/* The nearest path of the table of routes: what administrators write into the field for the URL, and what
 * they meant. */
#include "ingest/api/form.h"
#include "ingest/http/routes.h"
#include "ingest/request/nearest.h"
#include "ingest/scim/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

struct row {
    const char *sent, *meant; /* NULL: nothing is near */
};

static void check(const struct form *among, const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *found = nearest_path(&routes, rows[i].sent, among, false, arena).path;
        const char *due = rows[i].meant;
        if ((found == NULL) != (due == NULL) || (due != NULL && strcmp(found, due) != 0))
            fail_msg("%s: %s, not %s", rows[i].sent, found != NULL ? found : "none",
                     due != NULL ? due : "none");
    }
}

static void anywhere(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"/Users", "/scim/v2/Users"},
        {"/users/", "/scim/v2/Users"},
        {"/v2/Users/1", "/scim/v2/Users/1"},
        {"/SCIM/v2/Users", "/scim/v2/Users"},
        {"/scim2/Groups", "/scim/v2/Groups"},
        {"/gateway/scim/v2/Groups", "/scim/v2/Groups"},
        {"/ServiceProviderConfig", "/scim/v2/ServiceProviderConfig"},
        {"/w/acme", "/w/acme/scim/v2"},
        {"/w/acme/Users", "/w/acme/scim/v2/Users"},
        {"/W/acme/scim/v2/Schemas", "/w/acme/scim/v2/Schemas"},
        {"/rooms", "/api/v1/rooms"},
        {"/rooms/1/members", "/api/v1/rooms/1/members"},
        {"/v1/rooms", "/api/v1/rooms"},
        {"/admin/keys", "/api/v1/admin/keys"},
        {"/oauth/token", "/oauth2/token"},
        {"/health", "/healthz"},
        {"/", "/scim/v2"},
        {"/something/else", NULL},
        {"/x", NULL},
    };
    check(NULL, rows, sizeof rows / sizeof *rows);
}

static void below_the_base_path_of_scim(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"/scim/v2/User", "/scim/v2/Users"},
        {"/scim/v2/Usres/1", "/scim/v2/Users/1"},
        {"/scim/v2/group", "/scim/v2/Groups"},
        {"/scim/v2/scim/v2/Users", "/scim/v2/Users"},
        {"/scim/v2//Users", "/scim/v2/Users"},
        {"/scim/v2/Users//1", "/scim/v2/Users/1"},
        {"/scim/v1/Users", "/scim/v2/Users"},
        {"/scim/Users", "/scim/v2/Users"},
        {"/scim", "/scim/v2"},
        {"/w/acme/scim/v2/Schema", "/w/acme/scim/v2/Schemas"},
        {"/w/acme/scim/v2/w/acme/scim/v2/Users", NULL},
        {"/scim/v2/ServiceProviderConfigs", "/scim/v2/ServiceProviderConfig"},
        {"/scim/v2/ResourceType", "/scim/v2/ResourceTypes"},
        {"/scim/v2/Bulks", "/scim/v2/Bulk"},
        {"/scim/v2/search", "/scim/v2/.search"},
        {"/scim/v2/Nothing", NULL},
        {"/scim/v2/Rooms/1/x/y", NULL},
    };
    check(&scim_form, rows, sizeof rows / sizeof *rows);
}

static void below_the_base_path_of_the_management_api(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"/api/v1/user", "/api/v1/users"},
        {"/api/v1/Users/1", "/api/v1/users/1"},
        {"/api/users", "/api/v1/users"},
        {"/api/v2/rooms", "/api/v1/rooms"},
        {"/api/v1/room/1/member", "/api/v1/rooms/1/members"},
        {"/api/v1/admin/key", "/api/v1/admin/keys"},
        {"/api/v1/users/", "/api/v1/users"},
        {"/api/v1/openapi", NULL},
        {"/api/v1/nothing", NULL},
    };
    check(&api_form, rows, sizeof rows / sizeof *rows);
    assert_ptr_equal(nearest_path(&routes, "/rooms", NULL, false, arena).form, &api_form);
}

/* Neither long paths nor those with many parts cost anything. */
static void bounds(void **state) {
    (void)state;
    char many[200] = "", name[201];
    for (int i = 0; i < 60; i++)
        strcat(many, "/U");
    memset(name, 'a', 200);
    name[0] = '/';
    name[200] = '\0';
    const struct row rows[] = {{many, NULL}, {name, NULL}, {"/UsersUsersUsersUsersUsersUsersUsers", NULL}};
    check(NULL, rows, sizeof rows / sizeof *rows);
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anywhere),
        cmocka_unit_test(below_the_base_path_of_scim),
        cmocka_unit_test(below_the_base_path_of_the_management_api),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
