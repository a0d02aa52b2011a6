/*
 * Sends messages to an SMTP server, each over a connection of its own, from several clients at
 * once, and measures how long the server takes. Each client is a thread.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/bench/lib/arguments.h"
#include "t/bench/lib/histogram.h"
#include "t/bench/lib/sessions.h"
#include "t/bench/lib/smtp_client.h"
#include "t/bench/lib/timing.h"

#define MAX_CLIENTS 1000

static const char usage_text[] =
	"usage: smtp_load -p PORT --file FILE [options]\n"
	"  -p, --port PORT         of 127.0.0.1\n"
	"  -c, --clients N         at a time (1)\n"
	"  -t, --seconds S         run for this long (5)\n"
	"      --warmup S          seconds at the start in which nothing is counted (0)\n"
	"      --file FILE         sessions, one JSON object a line, taken one after another\n"
	"      --first N           number of the first one (0)\n"
	"      --body BYTES        size of a message's body (1000)\n"
	"      --patience S        seconds to wait for a reply (60)\n"
	"Sends XCLIENT for sessions with a login. Prints one line of JSON. Exits with 1 if a session\n"
	"got neither an acceptance nor a refusal.\n";

struct options {
	uint16_t port;
	size_t clients, first, body_size;
	double seconds, warmup, patience;
	const char *file;
	const struct sessions *sessions;
};

/* The end of a message. */
enum outcome { ACCEPTED, REFUSED, DEFERRED, BROKEN, OUTCOMES };

static const char *const outcome_names[OUTCOMES] = { "accepted", "refused", "deferred", "broken" };

/* One client and what it counted. */
struct worker {
	pthread_t thread;
	const struct options *options;
	atomic_size_t *next; /* the number of the next session */
	uint64_t count_from, deadline, last_done;
	struct smtp_client client;
	struct histogram sessions; /* from connect() to the last reply before QUIT */
	struct histogram rcpts;	   /* from RCPT to its reply */
	uint64_t outcomes[OUTCOMES];
	uint64_t sent; /* with those of the warm-up */
	struct errmsg err;
};

static enum outcome outcome_of(int code)
{
	if (code >= 200 && code < 400)
		return ACCEPTED;
	if (code >= 500 && code < 600)
		return REFUSED;
	return code >= 400 && code < 500 ? DEFERRED : BROKEN;
}

/* Build the message with its end. Returns -1 if memory runs out. */
static int build_message(const struct smtp_session *session, size_t body_size, struct strbuf *text)
{
	static const char line[] =
		"The quick brown fox jumps over the lazy dog, and again over the dog.\r\n";

	strbuf_reset(text);
	for (size_t i = 0; i < session->header_count; i++)
		strbuf_addf(text, "%s: %s\r\n", session->headers[i].name,
			session->headers[i].value);
	strbuf_add_str(text, "\r\n");
	for (size_t size = 0; size < body_size; size += sizeof(line) - 1)
		strbuf_add(text, line, sizeof(line) - 1);
	strbuf_add_str(text, ".\r\n");
	return text->failed ? -1 : 0;
}

/* Greet the server, and become the logged-in client of the session. Returns the last code. */
static int greet(struct worker *worker, const struct smtp_session *session)
{
	struct smtp_client *client = &worker->client;
	struct errmsg *err = &worker->err;
	int code = smtp_client_command(client, err, "EHLO %s", session->helo);

	if (code != 250 || session->login == NULL)
		return code;
	code = smtp_client_command(client, err, "XCLIENT LOGIN=%s", session->login);
	if (code != 220)
		return code;
	return smtp_client_command(client, err, "EHLO %s", session->helo);
}

/* Send the recipients. Returns the code of the last one that was refused, or of the last one. */
static int send_rcpts(struct worker *worker, const struct smtp_session *session)
{
	int code = 0, refused = 0;

	for (size_t i = 0; i < session->rcpt_count && code != -1; i++) {
		uint64_t from = wall_ns();

		code = smtp_client_command(&worker->client, &worker->err, "RCPT TO:%s",
			session->rcpts[i]);
		if (from >= worker->count_from)
			histogram_add(&worker->rcpts, wall_ns() - from);
		if (code >= 400)
			refused = code;
	}
	return code != -1 && refused != 0 ? refused : code;
}

/* Play the session up to the first refusal. Returns the code of the last reply, or -1. */
static int play(struct worker *worker, const struct smtp_session *session, struct strbuf *text)
{
	struct smtp_client *client = &worker->client;
	struct errmsg *err = &worker->err;
	int code = smtp_client_open(client, worker->options->port, worker->options->patience, err);

	if (code == 220)
		code = greet(worker, session);
	if (code == 250)
		code = smtp_client_command(client, err, "MAIL FROM:%s", session->mail);
	if (code == 250)
		code = send_rcpts(worker, session);
	if (code == 250)
		code = smtp_client_command(client, err, "DATA");
	if (code == 354)
		code = smtp_client_message(client, text->text, text->len, err);
	return code;
}

static void one_message(struct worker *worker, struct strbuf *text)
{
	const struct smtp_session *session =
		sessions_at(worker->options->sessions, atomic_fetch_add(worker->next, 1));
	enum outcome outcome = BROKEN;
	uint64_t from, until;

	if (build_message(session, worker->options->body_size, text) == -1) {
		errmsg_set(&worker->err, "out of memory");
		worker->outcomes[BROKEN]++;
		return;
	}
	from = wall_ns();
	outcome = outcome_of(play(worker, session, text));
	until = wall_ns();
	if (outcome != BROKEN)
		(void)smtp_client_command(&worker->client, NULL, "QUIT");
	smtp_client_close(&worker->client);
	worker->sent++;
	worker->outcomes[outcome]++;
	worker->last_done = until;
	if (until >= worker->count_from)
		histogram_add(&worker->sessions, until - from);
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	struct strbuf text = STRBUF_INIT;

	worker->client.fd = -1;
	while (wall_ns() < worker->deadline && worker->outcomes[BROKEN] == 0)
		one_message(worker, &text);
	strbuf_free(&text);
	return NULL;
}

static json_t *times(const struct histogram *histogram)
{
	return json_pack("{s:I, s:f, s:f, s:f}", "count", (json_int_t)histogram->count, "mean_ms",
		histogram_mean(histogram) / 1e6, "p50_ms",
		(double)histogram_percentile(histogram, 50) / 1e6, "p99_ms",
		(double)histogram_percentile(histogram, 99) / 1e6);
}

/* Add what all clients counted to that of the first one, and print it. */
static void report(struct worker *workers, size_t count)
{
	struct worker *all = &workers[0];
	json_t *report;
	double seconds;

	for (size_t i = 1; i < count; i++) {
		histogram_merge(&all->sessions, &workers[i].sessions);
		histogram_merge(&all->rcpts, &workers[i].rcpts);
		all->sent += workers[i].sent;
		for (enum outcome o = 0; o < OUTCOMES; o++)
			all->outcomes[o] += workers[i].outcomes[o];
		if (workers[i].last_done > all->last_done)
			all->last_done = workers[i].last_done;
		if (all->err.text[0] == '\0')
			all->err = workers[i].err;
	}
	seconds = all->last_done > all->count_from ?
		(double)(all->last_done - all->count_from) / 1e9 :
		0;
	report = json_pack("{s:f, s:f, s:I, s:o, s:o, s:s}", "seconds", seconds, "per_second",
		seconds > 0 ? (double)all->sessions.count / seconds : 0, "sent",
		(json_int_t)all->sent, "messages", times(&all->sessions), "rcpts",
		times(&all->rcpts), "error", all->err.text);
	for (enum outcome o = 0; o < OUTCOMES; o++)
		json_object_set_new(report, outcome_names[o],
			json_integer((json_int_t)all->outcomes[o]));
	json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(report);
}

enum { OPT_WARMUP = 256, OPT_FILE, OPT_FIRST, OPT_BODY, OPT_PATIENCE };

static const struct option long_options[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "clients", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 't' },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "first", required_argument, NULL, OPT_FIRST },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "patience", required_argument, NULL, OPT_PATIENCE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void take_option(struct options *options, int option)
{
	switch (option) {
	case 'p':
		options->port = (uint16_t)arguments_count("--port", optarg, 1, 65535);
		break;
	case 'c':
		options->clients = arguments_count("--clients", optarg, 1, MAX_CLIENTS);
		break;
	case 't':
		options->seconds = arguments_seconds("--seconds", optarg);
		break;
	case OPT_WARMUP:
		options->warmup = arguments_seconds("--warmup", optarg);
		break;
	case OPT_FILE:
		options->file = optarg;
		break;
	case OPT_FIRST:
		options->first = arguments_count("--first", optarg, 0, SIZE_MAX);
		break;
	case OPT_BODY:
		options->body_size = arguments_count("--body", optarg, 0, INT_MAX);
		break;
	case OPT_PATIENCE:
		options->patience = arguments_seconds("--patience", optarg);
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		fputs(usage_text, stderr);
		exit(2);
	}
}

/* Run all clients until the time is over. */
static void run_workers(struct worker *workers, const struct options *options)
{
	atomic_size_t next = options->first;
	uint64_t begin = wall_ns();

	for (size_t i = 0; i < options->clients; i++) {
		workers[i].options = options;
		workers[i].next = &next;
		workers[i].count_from = begin + (uint64_t)(options->warmup * 1e9);
		workers[i].deadline = workers[i].count_from + (uint64_t)(options->seconds * 1e9);
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
			arguments_fail("threads", "cannot make one");
	}
	for (size_t i = 0; i < options->clients; i++)
		pthread_join(workers[i].thread, NULL);
}

int main(int argc, char **argv)
{
	struct options options = { .clients = 1, .seconds = 5, .body_size = 1000, .patience = 60 };
	struct sessions *sessions = NULL;
	struct worker *workers;
	struct errmsg err;
	int option, ret;

	while ((option = getopt_long(argc, argv, "p:c:t:h", long_options, NULL)) != -1)
		take_option(&options, option);
	if (optind != argc || options.port == 0 || options.file == NULL) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (sessions_read(options.file, &sessions, &err) == -1)
		arguments_fail("sessions", err.text);
	options.sessions = sessions;
	if ((workers = calloc(options.clients, sizeof(*workers))) == NULL)
		arguments_fail("memory", strerror(errno));
	run_workers(workers, &options);
	report(workers, options.clients);
	/* cppcheck-suppress nullPointerRedundantCheck ; arguments_fail() does not return */
	ret = workers[0].outcomes[BROKEN] > 0;
	free(workers);
	sessions_free(&sessions);
	return ret;
}
