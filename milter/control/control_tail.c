/*
 * The command "tail": passes decisions on to the connections that follow them. Owns nothing; runs
 * on the server thread, except where a comment says otherwise. t/integration/test_control.py covers
 * it.
 */
#include <event2/buffer.h>
#include <stdlib.h>

#include "milter/control/control_private.h"
#include "milter/log/events.h"

#define FOLLOWER_BEHIND_MAX ((size_t)256 << 10) /* bytes that wait to be read by a follower */

static void send_line(struct connection *c, const char *line)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(output) > FOLLOWER_BEHIND_MAX) {
		c->dropped++;
		return;
	}
	if (c->dropped > 0) {
		(void)evbuffer_add_printf(output, "{\"dropped\":%llu}\n",
			(unsigned long long)c->dropped);
		c->dropped = 0;
	}
	(void)evbuffer_add_printf(output, "%s\n", line);
}

static void send_events(void *argument)
{
	struct control *control = argument;
	uint64_t dropped;
	char *line;

	while ((line = events_take(&dropped)) != NULL) {
		for (struct connection *c = control->connections; c != NULL; c = c->next) {
			if (!c->is_following)
				continue;
			c->dropped += dropped;
			send_line(c, line);
		}
		free(line);
	}
}

/* Runs on the thread that decided, when the queue was empty. */
static void on_events(void *argument)
{
	struct control *control = argument;

	(void)server_call(control->server, send_events, control);
}

void obey_tail(struct connection *connection, const json_t *request)
{
	(void)request;
	connection_answer(connection, json_pack("{s:b}", "ok", 1));
	connection->is_following = true;
	events_follow(on_events, connection->control);
}
