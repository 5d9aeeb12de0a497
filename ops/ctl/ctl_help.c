#include "ops/ctl/ctl_help.h"

#include "schemas/api/workspace_settings.h"

#include <string.h>
#include <unistd.h>

static const struct ctl_words table[] = {
    {"migrate", "bring the database to this version's schema; safe to repeat", CTL_ASKS_NOTHING},
    {"migrate finish", "take away what only programs of the version before need", CTL_ASKS_PEOPLE},
    {"workspace create", "make a workspace", CTL_ASKS_NOTHING},
    {"workspace set", "change settings of a workspace", CTL_ASKS_NOTHING},
    {"workspace show", "show the settings of a workspace", CTL_ASKS_NOTHING},
    {"workspace list", "list all workspaces with their settings", CTL_ASKS_NOTHING},
    {"key create", "make a key; its token is shown this once", CTL_ASKS_NOTHING},
    {"key set", "change how an OAuth client authenticates", CTL_ASKS_NOTHING},
    {"key rotate", "give a key a new token; the old one stops working, at once or after --overlap",
     CTL_ASKS_PEOPLE},
    {"key list", "list the keys of a workspace", CTL_ASKS_NOTHING},
    {"key revoke", "end a key for good; its next request is refused", CTL_ASKS_PEOPLE},
    {"owner create", "make a credential of an owner or administrator; its token is shown this once",
     CTL_ASKS_NOTHING},
    {"owner list", "list the credentials of owners and administrators", CTL_ASKS_NOTHING},
    {"owner revoke", "end such a credential for good", CTL_ASKS_PEOPLE},
    {"portal link", "make a link that opens the portal once for an owner or administrator", CTL_ASKS_NOTHING},
    {"sign-in show", "show how people sign in to the portal by an identity provider", CTL_ASKS_NOTHING},
    {"sign-in set", "let people on a list sign in to the portal by an OpenID provider", CTL_ASKS_NOTHING},
    {"sign-in off", "let nobody sign in by a provider any more", CTL_ASKS_NOTHING},
    {"guard list", "list the keys that the guard against mass changes has stopped", CTL_ASKS_NOTHING},
    {"guard release", "let such a key go on", CTL_ASKS_NOTHING},
    {"delivery create", "make an endpoint that events are posted to; its secret is shown this once",
     CTL_ASKS_NOTHING},
    {"delivery list", "list the endpoints of a workspace, and how far each is", CTL_ASKS_NOTHING},
    {"delivery show", "show one endpoint", CTL_ASKS_NOTHING},
    {"delivery set", "change, pause, disable or enable an endpoint", CTL_ASKS_NOTHING},
    {"delivery rotate", "give an endpoint a new secret; for a while messages are signed with both",
     CTL_ASKS_NOTHING},
    {"delivery test", "send an endpoint a message that says nothing", CTL_ASKS_NOTHING},
    {"delivery attempts", "show what an endpoint has answered, the newest first", CTL_ASKS_NOTHING},
    {"delivery replay", "send messages once more, or go on behind one", CTL_ASKS_NOTHING},
    {"delivery revoke", "delete an endpoint with its secret", CTL_ASKS_PEOPLE},
    {"schema check", "check a folder of schemas of your own", CTL_ASKS_NOTHING},
    {"schema reindex", "fill the look-ups of attributes of your own", CTL_ASKS_NOTHING},
    {"audit search", "show records of the archive, the newest first", CTL_ASKS_NOTHING},
    {"audit export", "write records of the archive to stdout", CTL_ASKS_NOTHING},
    {"audit follow", "show records of the archive as they come", CTL_ASKS_NOTHING},
    {"audit verify", "compute the trees of a workspace again, and say what was changed", CTL_ASKS_NOTHING},
    {"audit prove", "write a file that proves one record", CTL_ASKS_NOTHING},
    {"audit check", "check such a file, without database and network", CTL_ASKS_NOTHING},
    {"audit resume",
     "let a tree go on that has stopped, or sign one again that was refused, under a new name",
     CTL_ASKS_PEOPLE},
    {"stream verify",
     "read the topics and say of each workspace whether they are complete and the snapshot agrees",
     CTL_ASKS_NOTHING},
    {"backup role", "make the role that backups are made with: it sees every workspace and changes nothing",
     CTL_ASKS_NOTHING},
    {"backup", "write a dump of one moment to a file (pg_dump)", CTL_ASKS_NOTHING},
    {"restore",
     "begin a new epoch after PostgreSQL was restored to an older state; goes on where it was ended",
     CTL_ASKS_PEOPLE},
    {"rooms rebuild", "tell usher.rooms anew from the tables, in a new epoch", CTL_ASKS_PEOPLE},
    {"why", "say whether a user is in a room, since when and why", CTL_ASKS_NOTHING},
    {"activity", "say what each key has done, in numbers", CTL_ASKS_NOTHING},
    {"status", "say whether everything is there, and whether the workers keep up", CTL_ASKS_NOTHING},
    {"ready",
     "say whether the ingest or the worker at --url is ready, which is this machine's ingest where none is given",
     CTL_ASKS_NOTHING},
    {"login", "keep the token of an owner or administrator, which is read from standard input",
     CTL_ASKS_NOTHING},
    {"logout", "forget the token that was kept last, or that for --url", CTL_ASKS_NOTHING},
    {"doctor", "look at everything that usher stands on, and say what is wrong and what to do",
     CTL_ASKS_NOTHING},
    {"explain", "say what an error means and what to do", CTL_ASKS_NOTHING},
    {"completion", "print what completes the commands in a shell", CTL_ASKS_NOTHING},
    {"help", "show the help of all commands, or of one", CTL_ASKS_NOTHING},
};

const struct ctl_words *ctl_words_of(const char *noun, const char *name) {
    char command[80];
    snprintf(command, sizeof command, "%s%s%s", noun, name != NULL ? " " : "", name != NULL ? name : "");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].command, command) == 0)
            return &table[i];
    return NULL;
}

void ctl_print_exit_codes(FILE *to) {
    fputs(
        "\nExit codes: 0 done, 1 refused, 2 wrong usage or setting, 3 PostgreSQL, Kafka, the workers or the "
        "address of a login cannot be reached.\n",
        to);
}

void ctl_print_common_flags(FILE *to) {
    fputs(
        "\nWith every command:\n"
        "  -o table|json|jsonl  text, one JSON object (as --json), or one object a line where it is a list\n"
        "  --yes                do not ask\n"
        "  --far                over the admin API, though PostgreSQL is configured\n"
        "  --help               the help of the command\n"
        "Settings, such as --pg and --kafka: usherctl --help\n",
        to);
}

static void print_setting(FILE *to, const struct workspace_setting *s) {
    fprintf(to, "  --%s ", s->flag);
    if (s->kind == SETTING_BOOL)
        fputs("true|false", to);
    for (size_t i = 0; s->kind == SETTING_CHOICE && s->choices[i] != NULL; i++)
        fprintf(to, "%s%s", i > 0 ? "|" : "", s->choices[i]);
    if (s->kind == SETTING_COUNT)
        fputs(s->nullable ? "N|none" : strcmp(s->flag, "rate") == 0 ? "N|ipsie" : "N", to);
    fprintf(to, "  %s\n", s->description);
}

void ctl_print_workspace_settings(FILE *to) {
    fputs("\nSETTINGS of a workspace:\n", to);
    for (size_t i = 0; i < workspace_setting_count; i++)
        if (workspace_setting_table[i].flag != NULL)
            print_setting(to, &workspace_setting_table[i]);
}

enum err_code ctl_ask_first(const struct ctl_words *w, const struct ctl_args *a, struct err *err) {
    char line[16];
    if (w == NULL || w->asks == CTL_ASKS_NOTHING || a->yes)
        return ERR_OK;
    if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0)
        return w->asks == CTL_ASKS_PEOPLE
                   ? ERR_OK
                   : err_set(err, ERR_USAGE, "%s: %s. Give --yes if that is meant", w->command, w->words);
    fprintf(stderr, "usherctl %s: %s. Go on? [y/N] ", w->command, w->words);
    fflush(stderr);
    if (fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
        return ERR_OK;
    return err_set(err, ERR_CONFLICT, "nothing was changed");
}
