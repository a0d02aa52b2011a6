/*
 * The control socket: its connections, and the requests on them, which it hands to the commands of
 * a table. Owns the listener and the connections. Runs on the server thread.
 * t/integration/test_control.py covers it.
 */
#include "milter/control/control.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/control/control_private.h"
#include "milter/log/events.h"
#include "milter/log/json_text.h"
#include "milter/log/quote.h"
#include "milter/loop/descriptors.h"

#define IDLE_SECONDS 60

static void add_first(struct control *control, struct connection *connection)
{
	connection->next = control->connections;
	control->connections = connection;
}

static void remove_connection(struct control *control, const struct connection *connection)
{
	struct connection **at = &control->connections;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
}

static void close_connection(struct connection *connection)
{
	struct control *control = connection->control;

	remove_connection(control, connection);
	control->count--;
	if (connection->is_following)
		events_unfollow();
	bufferevent_free(connection->bev);
	free(connection);
}

struct connection *control_find(struct control *control, uint64_t number)
{
	struct connection *connection = control->connections;

	while (connection != NULL && connection->number != number)
		connection = connection->next;
	return connection;
}

static size_t unread_answers(const struct connection *connection)
{
	return evbuffer_get_length(bufferevent_get_output(connection->bev));
}

static void obey_request(struct connection *connection, const char *line, size_t len)
{
	const struct control_command *command = connection->control->subject.commands;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(request, "command"));

	while (name != NULL && command->name != NULL && strcmp(name, command->name) != 0)
		command++;
	if (name == NULL)
		connection_refuse(connection, "a JSON object with a \"command\" is needed");
	else if (command->name == NULL)
		connection_refuse(connection, "there is no such command");
	else
		command->obey(connection, request);
	json_decref(request);
}

/* Run the next request, if it has arrived, once the answers to the earlier ones have been written,
 * after which on_written() calls this again: the loop has then served the other connections. */
static void read_request(struct connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->bev);
	size_t len;
	char *line;

	if (!connection->is_busy && !connection->is_following && unread_answers(connection) == 0 &&
		(line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) != NULL) {
		remove_connection(connection->control, connection);
		add_first(connection->control, connection);
		obey_request(connection, line, len);
		free(line);
	}
	if (connection->is_following) /* it has no further requests */
		(void)evbuffer_drain(input, evbuffer_get_length(input));
}

/* All answers have been written. */
static void on_written(struct bufferevent *bev, void *context)
{
	struct connection *connection = context;

	(void)bev;
	read_request(connection);
	if (connection->has_ended && !connection->is_busy && unread_answers(connection) == 0)
		close_connection(connection);
}

/* Read no more requests, and close the connection once all answers have been written. */
static void end_requests(struct connection *connection)
{
	connection->has_ended = true;
	(void)bufferevent_disable(connection->bev, EV_READ);
	if (!connection->is_busy && unread_answers(connection) == 0)
		close_connection(connection);
}

static void on_read(struct bufferevent *bev, void *context)
{
	struct connection *connection = context;
	struct evbuffer *input = bufferevent_get_input(bev);

	read_request(connection);
	if (evbuffer_get_length(input) >= CONTROL_REQUEST_MAX &&
		evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF).pos < 0) {
		(void)evbuffer_drain(input, evbuffer_get_length(input));
		connection_refuse(connection, "the request is too long");
		end_requests(connection);
	}
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
	struct connection *connection = context;

	(void)bev;
	/* A client that follows, or waits for an answer, may be silent for any time. */
	if ((what & BEV_EVENT_TIMEOUT) != 0 && (what & BEV_EVENT_READING) != 0 &&
		(connection->is_following || connection->is_busy))
		(void)bufferevent_enable(connection->bev, EV_READ);
	else if (connection->is_busy)
		end_requests(connection); /* or the work would not count any more */
	else if ((what & BEV_EVENT_EOF) != 0 && !connection->is_following)
		end_requests(connection); /* the client may have closed only its side */
	else
		close_connection(connection);
}

void connection_answer(struct connection *connection, json_t *answer)
{
	static const char no_memory[] = "{\"ok\": false, \"error\": \"out of memory\"}\n";
	char *text = NULL;

	if (answer != NULL)
		text = json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(answer);
	if (text == NULL)
		(void)bufferevent_write(connection->bev, no_memory, sizeof(no_memory) - 1);
	else if (bufferevent_write(connection->bev, text, strlen(text)) == 0)
		(void)bufferevent_write(connection->bev, "\n", 1);
	free(text);
	connection->is_busy = false;
}

void connection_refuse(struct connection *connection, const char *why)
{
	connection_answer(connection,
		json_pack("{s:b, s:o}", "ok", 0, "error", json_text(why, strlen(why))));
}

bool connection_begin_work(struct connection *connection)
{
	const struct control *control = connection->control;
	size_t busy = 0, own = 0, members = 0;

	for (const struct connection *c = control->connections; c != NULL; c = c->next) {
		busy += c->is_busy;
		own += c->is_busy && c->user == connection->user;
		members += c->is_busy && !control_is_owner(c->user);
	}
	if (own >= CONTROL_BUSY_MAX - busy ||
		(members >= CONTROL_MEMBERS_MAX && !control_is_owner(connection->user))) {
		connection_refuse(connection, "too many requests are waiting; try again");
		return false;
	}
	connection->is_busy = true;
	return true;
}

void connection_add_user(const struct connection *connection, struct strbuf *line)
{
	quote_add_number(line, "uid", connection->user);
}

/* ---- room for new connections ------------------------------------------------------------- */

/* The order in which connections are closed to make room. One that waits for work is kept. */
enum use { USE_IDLE, USE_FOLLOWING, USE_UNREAD, USE_BUSY };

static enum use use_of(const struct connection *connection)
{
	if (connection->is_busy)
		return USE_BUSY;
	if (connection->is_following)
		return USE_FOLLOWING;
	return unread_answers(connection) == 0 ? USE_IDLE : USE_UNREAD;
}

static uid_t user_of(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return peer.uid;
}

static size_t connections_of(const struct control *control, uid_t user)
{
	size_t count = 0;

	for (const struct connection *c = control->connections; c != NULL; c = c->next)
		count += c->user == user;
	return count;
}

/*
 * Close a connection of the user that has the most, if that has at least `least`: so nobody takes
 * the connections of users with fewer. Of these connections, close the idlest, a follower of
 * decisions only if there is no other, and one that leaves its answer unread only after that.
 */
static bool close_one(struct control *control, size_t least)
{
	struct connection *chosen = NULL;
	size_t most = least;

	for (struct connection *c = control->connections; c != NULL; c = c->next) {
		const size_t count = connections_of(control, c->user);

		if (c->is_busy || count < most ||
			(chosen != NULL && count == most && use_of(c) > use_of(chosen)))
			continue;
		chosen = c;
		most = count;
	}
	if (chosen == NULL)
		return false;
	close_connection(chosen);
	return true;
}

static bool make_room(void *context)
{
	return close_one(context, 0);
}

/* While descriptors are short, connections use no more than this part of the reserve. */
static bool has_too_many(const struct control *control)
{
	return descriptors_short() && control->count > descriptors_look().reserve / 4;
}

/* Called before the connection is made, so that it cannot make room for itself. */
static bool has_room(struct control *control, uid_t user)
{
	const size_t own = connections_of(control, user);

	if (control->count >= CONTROL_CONNECTIONS_MAX)
		return close_one(control, own);
	if (has_too_many(control))
		(void)close_one(control, own);
	return true;
}

static void refuse_connection(int fd)
{
	static const char refusal[] = "{\"ok\": false, \"error\": \"too many connections are busy; "
				      "try again\"}\n";

	(void)!send(fd, refusal, sizeof(refusal) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void on_accept(void *context, int fd, const struct sockaddr *address)
{
	const struct timeval idle = { .tv_sec = IDLE_SECONDS };
	struct control *control = context;
	struct connection *connection = NULL;
	const uid_t user = user_of(fd);

	(void)address;
	if (has_room(control, user))
		connection = calloc(1, sizeof(*connection));
	if (connection != NULL)
		connection->bev = bufferevent_socket_new(server_base(control->server), fd,
			BEV_OPT_CLOSE_ON_FREE);
	if (connection == NULL || connection->bev == NULL) {
		free(connection);
		refuse_connection(fd);
		return;
	}
	connection->control = control;
	connection->user = user;
	connection->number = ++control->last_number;
	add_first(control, connection);
	control->count++;
	bufferevent_setcb(connection->bev, on_read, on_written, on_event, connection);
	bufferevent_setwatermark(connection->bev, EV_READ, 0, CONTROL_REQUEST_MAX);
	(void)bufferevent_set_timeouts(connection->bev, &idle, &idle);
	(void)bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

int control_new(struct server *server, int listen_fd, const struct control_subject *subject,
	struct control **control_r, struct errmsg *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL) {
		(void)close(listen_fd);
		return errmsg_set(err, "out of memory for the control socket");
	}
	control->server = server;
	control->listen_fd = listen_fd;
	control->subject = *subject;
	*control_r = control;
	return 0;
}

int control_serve(struct control *control, struct cache *cache, struct auth *auth,
	struct errmsg *err)
{
	const struct server_listener_use use = {
		.name = "control",
		.uses_reserve = true,
		.accepted = on_accept,
		.make_room = make_room,
		.context = control,
	};

	control->cache = cache;
	control->auth = auth;
	if (control_tasks_start(&control->tasks, err) != 0)
		return -1;
	if (server_listener_new(control->server, control->listen_fd, &use, &control->listener,
		    err) != 0)
		return -1;
	control->listen_fd = -1;
	return 0;
}

void control_free(struct control **control)
{
	struct control *gone = *control;
	struct connection *c, *next;

	*control = NULL;
	if (gone == NULL)
		return;
	control_tasks_stop(&gone->tasks);
	for (c = gone->connections; c != NULL; c = next) {
		next = c->next;
		close_connection(c);
	}
	server_listener_free(&gone->listener);
	if (gone->listen_fd >= 0)
		(void)close(gone->listen_fd);
	free(gone);
}
