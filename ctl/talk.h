#ifndef POSTERN_TALK_H
#define POSTERN_TALK_H

#include <jansson.h>

#include "ctl/command.h"

/* A connection with the daemon's control socket (milter/control/control.h says what is spoken). */
struct talk;

/* Connect, to the socket that ctl names or else the configuration. CTL_OK, or an exit code with err
 * set. */
int talk_open(const struct ctl *ctl, struct talk **talk_r, struct errmsg *err);
void talk_close(struct talk **talk); /* takes NULL */

/*
 * Ask, and wait for the answer. request is taken over. CTL_OK with an answer whose "ok" is true,
 * the caller's to json_decref(); or an exit code with err set (the daemon's own words when it
 * refused). A refusal may still bring an answer: else *answer_r is NULL.
 */
int talk_ask(struct talk *talk, json_t *request, json_t **answer_r, struct errmsg *err);

/* The next line, without its LF; valid until the next call. NULL: the daemon hung up. */
const char *talk_next_line(struct talk *talk);

/* Open, ask and close at once. */
int talk_once(const struct ctl *ctl, json_t *request, json_t **answer_r, struct errmsg *err);

#endif
