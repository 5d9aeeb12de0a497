/* The main of a target without libFuzzer: runs the inputs that are kept. A unit test like all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The sanitizers', where it is built with them. */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static const char *target; /* "filter" */
static char running[600];  /* the file that a crash is to be blamed on */

static void blame(void) {
    static const char before[] = "\nfuzz: the input is ";
    if (write(STDERR_FILENO, before, sizeof before - 1) < 0 ||
        write(STDERR_FILENO, running, strlen(running)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        return;
}

static void aborted(int signal_number) {
    blame();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void run_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be read", path);
    static uint8_t data[1 << 20];
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    uint8_t *exact = malloc(n > 0 ? n : 1); /* so that a read beyond the end is seen */
    assert_non_null(exact);
    memcpy(exact, data, n);
    assert_int_equal(LLVMFuzzerTestOneInput(exact, n), 0);
    free(exact);
}

static int is_input(const struct dirent *e) {
    return e->d_name[0] != '.';
}

/* Gives how many inputs the folder has; none where it is not there. */
static int run_folder(const char *folder) {
    struct dirent **list;
    char path[300];
    snprintf(path, sizeof path, "tests/fuzz/%s/%s", folder, target);
    int n = scandir(path, &list, is_input, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(running, sizeof running, "%s/%s", path, list[i]->d_name);
        run_file(running);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return n > 0 ? n : 0;
}

static void corpus(void **state) {
    (void)state;
    if (run_folder("corpus") == 0)
        fail_msg("tests/fuzz/corpus/%s is empty (run from the top folder)", target);
}

static void regressions(void **state) {
    (void)state;
    print_message("%d inputs that once were findings\n", run_folder("regressions"));
}

int main(int argc, char **argv) {
    (void)argc;
    const char *name = strrchr(argv[0], '/');
    name = name != NULL ? name + 1 : argv[0];
    target = strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(blame);
    signal(SIGABRT, aborted);
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus), cmocka_unit_test(regressions)};
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
