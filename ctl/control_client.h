#ifndef POSTERN_CONTROL_CLIENT_H
#define POSTERN_CONTROL_CLIENT_H

#include <jansson.h>

#include "ctl/command.h"

/* A connection to the daemon's control socket; milter/control/control.h defines the protocol. */
struct control_client;

/*
 * Connect to the socket that ctl gives or, without one, to that of the configuration. CTL_OK, or an
 * exit code with err set.
 */
int control_client_open(const struct ctl *ctl, struct control_client **client_r,
	struct errmsg *err);
void control_client_close(struct control_client **client); /* accepts NULL */

/*
 * Send a request, whose reference is taken over, and wait for the answer. NULL, which json_pack()
 * returns for text that is not UTF-8, is refused with EX_DATAERR. Returns CTL_OK when its
 * "ok" is true; otherwise an exit code, and err is set to the daemon's error or to what failed.
 * *answer_r is a new reference, even when the daemon refused, or NULL when no answer arrived. An
 * answer may take any time, but if the daemon does not respond for 10 s, waiting ends with
 * CTL_UNREACHABLE.
 */
int control_client_ask(struct control_client *client, json_t *request, json_t **answer_r,
	struct errmsg *err);

/* The next line, without its LF; valid until the next call. NULL: the daemon closed the connection.
 */
const char *control_client_next_line(struct control_client *client);

/* Connect, ask and close. */
int control_client_once(const struct ctl *ctl, json_t *request, json_t **answer_r,
	struct errmsg *err);

/*
 * Connect, ask and close; then print the answer, as JSON with --json, else with print(). Errors go
 * to standard error. Returns the exit code.
 */
int control_client_show(const struct ctl *ctl, json_t *request,
	void (*print)(const struct ctl *ctl, json_t *answer));

#endif
