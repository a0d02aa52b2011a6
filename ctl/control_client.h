#ifndef POSTERN_CONTROL_CLIENT_H
#define POSTERN_CONTROL_CLIENT_H

#include <jansson.h>

#include "ctl/command.h"

/* A connection with the daemon's control socket (milter/control/control.h says what is spoken). */
struct control_client;

/* Connect, to the socket that ctl names or else the configuration. CTL_OK, or an exit code with err
 * set. */
int control_client_open(const struct ctl *ctl, struct control_client **client_r,
	struct errmsg *err);
void control_client_close(struct control_client **client); /* takes NULL */

/*
 * Ask, and wait for the answer. request is taken over. CTL_OK with an answer whose "ok" is true,
 * the caller's to json_decref(); or an exit code with err set (the daemon's own words when it
 * refused). A refusal may still bring an answer: else *answer_r is NULL.
 */
int control_client_ask(struct control_client *client, json_t *request, json_t **answer_r,
	struct errmsg *err);

/* The next line, without its LF; valid until the next call. NULL: the daemon hung up. */
const char *control_client_next_line(struct control_client *client);

/* Open, ask and close at once. */
int control_client_once(const struct ctl *ctl, json_t *request, json_t **answer_r,
	struct errmsg *err);

#endif
