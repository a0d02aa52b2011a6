#ifndef POSTERN_CONTROL_CLIENT_H
#define POSTERN_CONTROL_CLIENT_H

#include <jansson.h>

#include "lib/base/errmsg.h"

/* A connection to the running daemon's control socket (milter/control.h has the protocol). */
struct control_client;

/* path: [control] socket. 0, or -1 with err saying why, and what may be done about it. */
int control_client_open(const char *path, struct control_client **client_r, struct errmsg *err);
void control_client_close(struct control_client **client); /* takes NULL */

/*
 * Send a request and wait for its answer. 0 with an answer that says "ok", the caller's to
 * json_decref(); -1 with err set, to the daemon's own words where it refused.
 */
int control_client_ask(struct control_client *client, json_t *request, json_t **answer_r,
	struct errmsg *err);

/* The next line of a request that has many (tail). 0; -1 with err set at the end. */
int control_client_next(struct control_client *client, json_t **line_r, struct errmsg *err);

#endif
