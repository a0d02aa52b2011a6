/*
 * One connection of milter_load to the filter: connects, sends what the MTA says, reads the
 * replies, and measures them. Runs in the thread of its worker.
 */
#include "t/bench/lib/load_connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "t/bench/lib/load_worker.h"

#define READ_SIZE 16384

static void watch(struct connection *conn, int op)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

	if (conn->is_pending || conn->wants_out)
		event.events |= EPOLLOUT;
	epoll_ctl(conn->worker->epoll, op, conn->fd, &event);
}

/* Send the buffer. The part that the socket does not accept follows when it is writable. */
static void flush(struct connection *conn)
{
	bool wanted_out = conn->wants_out;

	while (conn->out_at < conn->out.len) {
		ssize_t sent = write(conn->fd, conn->out.text + conn->out_at,
			conn->out.len - conn->out_at);

		if (sent == -1)
			break; /* reading reports the error */
		conn->out_at += (size_t)sent;
	}
	conn->wants_out = conn->out_at < conn->out.len;
	if (!conn->wants_out) {
		strbuf_reset(&conn->out);
		conn->out_at = 0;
	}
	if (conn->wants_out != wanted_out)
		watch(conn, EPOLL_CTL_MOD);
}

static void hang_up(struct connection *conn)
{
	if (conn->fd != -1)
		close(conn->fd);
	conn->fd = -1;
	conn->is_pending = conn->wants_out = false;
	strbuf_reset(&conn->out);
	strbuf_reset(&conn->in);
	conn->out_at = 0;
}

static const struct smtp_session *next_session(struct load_worker *worker)
{
	const struct smtp_session *session =
		sessions_at(worker->options->sessions, worker->next_session);

	worker->next_session += worker->options->threads;
	return session;
}

/*
 * Choose the session that gives a kept connection its next message. A logged-in client sends the
 * same session again; a client without a login sends another one without.
 */
static const struct smtp_session *next_of_same_login(struct connection *conn)
{
	const struct smtp_session *now = conn->mta.session;
	size_t tries = sessions_count(conn->worker->options->sessions);

	while (now->login == NULL && tries-- > 0) {
		const struct smtp_session *session = next_session(conn->worker);

		if (session->login == NULL)
			return session;
	}
	return now;
}

/* Connect. Returns whether the connection is open; if not, it is awaited or tried again. */
static bool try_to_connect(struct connection *conn)
{
	struct load_worker *worker = conn->worker;
	struct errmsg err;

	switch (endpoint_connect(&worker->options->endpoint, &conn->fd, &err)) {
	case ENDPOINT_CONNECTED:
		watch(conn, EPOLL_CTL_ADD);
		return true;
	case ENDPOINT_PENDING:
		conn->is_pending = true;
		watch(conn, EPOLL_CTL_ADD);
		return false;
	default:
		worker->result.connect_retries++;
		load_worker_retry(worker, conn);
		return false;
	}
}

static bool open_session(struct connection *conn)
{
	struct load_worker *worker = conn->worker;
	unsigned int message = conn->mta.message + 1;

	mta_start(&conn->mta, next_session(worker), worker->options->body_size);
	conn->mta.message = message;
	conn->mta.stop_after_connect = conn->is_idle;
	conn->session_begin = conn->message_begin = load_clock();
	return try_to_connect(conn);
}

/* Count the verdict of a message. */
static void record(struct connection *conn, uint64_t now)
{
	struct load_result *result = &conn->worker->result;

	conn->worker->last_done = now;
	if (conn->message_begin < conn->worker->count_from)
		return;
	result->verdicts[conn->mta.verdict]++;
	result->rcpts_refused += conn->mta.rcpts_refused;
	result->changes += conn->mta.changes;
	conn->mta.changes = 0;
	if (conn->mta.verdict != MTA_CLOSED && conn->mta.verdict != MTA_INSANE)
		histogram_add(&result->messages, now - conn->message_begin);
}

static void end_session(struct connection *conn, uint64_t now)
{
	struct load_worker *worker = conn->worker;

	worker->result.actions = conn->mta.actions;
	worker->result.protocol = conn->mta.protocol;
	memcpy(worker->result.macros_asked, conn->mta.macros_asked, MTA_MACROS_SIZE);
	if (conn->session_begin >= worker->count_from && conn->mta.verdict != MTA_CLOSED &&
		conn->mta.verdict != MTA_INSANE)
		histogram_add(&worker->result.sessions, now - conn->session_begin);
	mta_quit(&conn->out);
	flush(conn);
	hang_up(conn);
}

static void idle_done(struct connection *conn)
{
	if (conn->mta.verdict == MTA_UNDECIDED)
		flush(conn);
	else
		hang_up(conn); /* it could not be opened */
	conn->worker->busy--;
}

/*
 * After the verdict of a message, begin another one on this connection, or another session, or end.
 * Returns whether there is something to send at once.
 */
static bool message_done(struct connection *conn)
{
	struct load_worker *worker = conn->worker;
	uint64_t now = load_clock();
	bool has_more;

	if (conn->is_idle) {
		idle_done(conn);
		return false;
	}
	record(conn, now);
	if (conn->messages_left > 0)
		conn->messages_left--;
	has_more = (worker->options->messages == 0 || conn->messages_left > 0) &&
		(worker->deadline == 0 || now < worker->deadline);
	if (has_more && !worker->options->is_session_each && !conn->mta.is_over) {
		mta_next_message(&conn->mta, next_of_same_login(conn), &conn->out);
		conn->message_begin = load_clock();
		return true;
	}
	end_session(conn, now);
	if (has_more)
		return open_session(conn);
	worker->busy--;
	return false;
}

/* Send until the filter has to answer or the session is over. */
static void drive(struct connection *conn)
{
	enum mta_step step;

	do {
		while ((step = mta_advance(&conn->mta, &conn->out)) == MTA_FLUSH)
			flush(conn);
		if (step == MTA_WAIT) {
			conn->asked = load_clock();
			flush(conn);
			return;
		}
	} while (message_done(conn));
}

/* End a session whose filter closed the connection or broke the protocol. */
static void break_off(struct connection *conn, enum mta_verdict verdict)
{
	conn->mta.verdict = verdict;
	conn->mta.is_over = true;
	if (message_done(conn))
		drive(conn);
}

void connection_begin(struct connection *conn)
{
	if (open_session(conn))
		drive(conn);
}

void connection_retry(struct connection *conn)
{
	if (try_to_connect(conn))
		drive(conn);
}

/* A client pauses between two SMTP commands, but not between parts of the message. */
static bool is_pause_due(const struct connection *conn, enum mta_stage stage)
{
	return conn->worker->options->pause > 0 && !conn->is_idle && stage < MTA_HEADER &&
		conn->mta.verdict == MTA_UNDECIDED;
}

/* Handle the complete replies in the buffer. */
static void take_replies(struct connection *conn)
{
	struct load_worker *worker = conn->worker;
	struct packet packet;
	enum packet_found found;
	size_t at = 0;

	while ((found = packet_find(conn->in.text + at, conn->in.len - at, &packet)) ==
		PACKET_WHOLE) {
		enum mta_stage stage = conn->mta.stage;
		enum mta_after_reply after = mta_reply(&conn->mta, &packet);

		at += packet.size;
		if (after == MTA_READ_MORE)
			continue;
		if (conn->asked >= worker->count_from && !conn->is_idle)
			histogram_add(&worker->result.callbacks[stage], load_clock() - conn->asked);
		if (at != conn->in.len) { /* a reply without a question */
			conn->mta.verdict = MTA_INSANE;
			conn->mta.is_over = true;
		}
		strbuf_reset(&conn->in);
		if (is_pause_due(conn, stage))
			load_worker_pause(worker, conn);
		else
			drive(conn);
		return;
	}
	if (found == PACKET_BAD) {
		break_off(conn, MTA_INSANE);
		return;
	}
	memmove(conn->in.text, conn->in.text + at, conn->in.len - at);
	conn->in.len -= at;
}

static void on_readable(struct connection *conn)
{
	char buf[READ_SIZE];
	ssize_t len = read(conn->fd, buf, sizeof(buf));

	if (len == -1 && errno == EAGAIN)
		return;
	conn->worker->last_answer = load_clock();
	if (len > 0) {
		strbuf_add(&conn->in, buf, (size_t)len);
		take_replies(conn);
		return;
	}
	if (conn->is_paused)
		return; /* another event will follow */
	if (conn->is_idle && conn->mta.stage > MTA_CONNECT) {
		hang_up(conn); /* an idle connection was closed by the filter */
		conn->worker->result.verdicts[MTA_CLOSED]++;
		return;
	}
	break_off(conn, MTA_CLOSED);
}

void connection_event(struct connection *conn, uint32_t events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (conn->fd == -1)
		return;
	if (conn->is_pending) {
		conn->is_pending = false;
		getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			hang_up(conn);
			conn->worker->result.connect_retries++;
			load_worker_retry(conn->worker, conn);
			return;
		}
		watch(conn, EPOLL_CTL_MOD);
		drive(conn);
		return;
	}
	if (events & EPOLLOUT)
		flush(conn);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		on_readable(conn);
}

void connection_resume(struct connection *conn)
{
	conn->is_paused = false;
	drive(conn);
}

void connection_destroy(struct connection *conn)
{
	hang_up(conn);
	strbuf_free(&conn->out);
	strbuf_free(&conn->in);
}
