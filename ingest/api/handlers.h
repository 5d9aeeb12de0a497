/* The handlers of the Management API, for its table (api_routes.c). */
#ifndef USHER_INGEST_API_HANDLERS_H
#define USHER_INGEST_API_HANDLERS_H

#include "ingest/api/api.h"

/* api_members.c: who is in a room, and which rooms somebody is in. */
extern const struct api_handler api_member_list, api_room_list, api_member_put, api_member_delete;
/* api_logins.c: what the sign-on service reports. */
extern const struct api_handler api_login;
/* api_reports.c: what became of commands; the workspace and its seats. */
extern const struct api_handler api_operation, api_activity, api_workspace, api_seats;

#endif
