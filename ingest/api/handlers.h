/* The handlers of the Management API, for the table of routes (http/routes.c). */
#ifndef USHER_INGEST_API_HANDLERS_H
#define USHER_INGEST_API_HANDLERS_H

#include "ingest/request/handler.h"

/* resources.c: users and rooms, as SCIM does it, in the form of the Management API. */
extern const struct handler api_read, api_list, api_write;
/* import.c: POST /users/import: a list of users at once, each with an outcome of its own. */
extern const struct handler api_import;
/* members.c: who is in a room, and which rooms somebody is in. */
extern const struct handler api_member_list, api_room_list, api_member_put, api_member_delete;
/* logins.c: what the sign-on service reports. */
extern const struct handler api_login;
/* voice.c: a token with which a member joins the voice server's room. */
extern const struct handler api_voice_token;
/* reports.c: what became of commands; the workspace and its seats. */
extern const struct handler api_operation, api_activity, api_workspace, api_seats;
/* Why a user is in a room, or is not (admin_audit.c). */
extern const struct handler api_member_why;

#endif
