/* Which LiveKit serves a workspace: its address, the key and secret of its API, and how rooms are named
 * there. One project serves all workspaces that have none of their own; a file may name others, a line for
 * each workspace:
 *
 *     # workspace                           url                   key      secret-file            [form of
 * room names] 0190b3f2-1111-7000-8000-000000000001  wss://b.example.com   APIkeyB  /etc/usher/b.secret
 * b/{room}
 */
#ifndef USHER_SCHEMAS_VOICE_PROJECT_H
#define USHER_SCHEMAS_VOICE_PROJECT_H

#include "ops/runtime/config.h"
#include "ops/runtime/id.h"

#include <stddef.h>

/* The settings of every program that deals with LiveKit. */
#define VOICE_CONFIG_ROWS                                                                                    \
    {"livekit-url",                                                                                          \
     CONFIG_STR,                                                                                             \
     "",                                                                                                     \
     0,                                                                                                      \
     0,                                                                                                      \
     "address of LiveKit (http, https, ws or wss); empty: there is none for workspaces without a line of "   \
     "their own in livekit-projects",                                                                        \
     false},                                                                                                 \
        {"livekit-key", CONFIG_STR, "", 0, 0, "name of the key in LiveKit's configuration", false},          \
        {"livekit-secret-file", CONFIG_FILE, "", 0, 0, "file with that key's secret", false},                \
        {"livekit-room",                                                                                     \
         CONFIG_STR,                                                                                         \
         "{room}",                                                                                           \
         0,                                                                                                  \
         0,                                                                                                  \
         "names of rooms at LiveKit, made of {room} and {workspace}, which are usher's ids; the same in "    \
         "ingest and bridge",                                                                                \
         false},                                                                                             \
    {                                                                                                        \
        "livekit-projects", CONFIG_FILE, "", 0, 0,                                                           \
            "file of workspaces with a LiveKit of their own: workspace, url, key, secret-file, room", false  \
    }

#define VOICE_PROJECTS_MAX 1000

struct voice_project {
    struct uuid workspace; /* "" = all without one of their own */
    char *url;             /* as it was given, without a slash at the end */
    char *key, *secret;
    char *form; /* voice_name.h */
};

struct voice_projects {
    struct voice_project *v;
    size_t n;
};

/* Reads settings and files. None at all is fine. ERR_CONFIG: what is wrong, without a secret in it; then
 * there is nothing to free. */
enum err_code voice_projects_load(const struct config *c, struct voice_projects *out, struct err *err);
void voice_projects_free(struct voice_projects *p);
/* NULL: no LiveKit serves the workspace. Borrowed. */
const struct voice_project *voice_project_of(const struct voice_projects *p, const char *workspace);
/* Of a token: whose key it would be signed with. NULL: nobody's. */
const struct voice_project *voice_project_with_key(const struct voice_projects *p, const char *key);
/* The address with which servers talk: ws:// becomes http://, wss:// https://. The caller frees it. */
char *voice_project_api(const struct voice_project *p);

#endif
