/*
 * Sends a filter what Postfix would send for many SMTP sessions, by the milter protocol, and
 * measures how long it takes to answer. The workers run in threads of their own. `milter_load -h`
 * lists the options.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/bench/lib/arguments.h"
#include "t/bench/lib/load.h"
#include "t/bench/lib/report.h"

#define GENERATED_SESSIONS 20000
#define MAX_CONNECTIONS 60000
#define MAX_THREADS 64

static const char usage_text[] =
	"usage: milter_load -s SOCKET [options]\n"
	"  -s, --socket SOCKET     unix:/path, inet:port@host or inet:host:port\n"
	"  -c, --connections N     connections at a time (1)\n"
	"  -n, --messages N        messages for each connection\n"
	"  -t, --seconds S         run for this long instead (5, when -n isn't given)\n"
	"      --sessions          a new connection for each message; else it is kept\n"
	"      --idle N            connections kept silent beside, after connect (0)\n"
	"      --hold                  only keep the idle ones: say so, wait for the end of input\n"
	"      --warmup S          seconds at the start in which nothing is counted (0)\n"
	"      --pause MS              time a client takes between two SMTP commands (0)\n"
	"      --threads N         threads of the load client (1)\n"
	"      --body BYTES        size of a message's body (1000)\n"
	"      --file FILE         sessions, one JSON object a line; else they are made up\n"
	"      --patience S        give up after S seconds without an answer (30)\n"
	"      --json              one line of JSON instead of a table\n"
	"Exits with 1 when the filter got stuck, closed, or broke the protocol.\n";

struct command {
	struct load_options load;
	const char *file;
	bool is_json;
};

enum {
	OPT_SESSIONS = 256,
	OPT_IDLE,
	OPT_HOLD,
	OPT_WARMUP,
	OPT_PAUSE,
	OPT_THREADS,
	OPT_BODY,
	OPT_FILE,
	OPT_PATIENCE,
	OPT_JSON
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "connections", required_argument, NULL, 'c' },
	{ "messages", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 't' },
	{ "sessions", no_argument, NULL, OPT_SESSIONS },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "hold", no_argument, NULL, OPT_HOLD },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "pause", required_argument, NULL, OPT_PAUSE },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "patience", required_argument, NULL, OPT_PATIENCE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Report that the idle connections are open, and wait for the end of standard input. */
static void hold(void)
{
	puts("idle connections are open");
	fflush(stdout);
	while (getchar() != EOF)
		;
	exit(0);
}

static void take_option(struct command *command, int option)
{
	struct load_options *load = &command->load;
	struct errmsg err;

	switch (option) {
	case 's':
		if (endpoint_parse(optarg, &load->endpoint, &err) == -1)
			arguments_fail("--socket", err.text);
		break;
	case 'c':
		load->connections = arguments_count("--connections", optarg, 1, MAX_CONNECTIONS);
		break;
	case 'n':
		load->messages = arguments_count("--messages", optarg, 1, ULONG_MAX);
		break;
	case 't':
		load->seconds = arguments_seconds("--seconds", optarg);
		break;
	case OPT_SESSIONS:
		load->is_session_each = true;
		break;
	case OPT_IDLE:
		load->idle = arguments_count("--idle", optarg, 0, MAX_CONNECTIONS);
		break;
	case OPT_HOLD:
		load->on_idle = hold;
		break;
	case OPT_WARMUP:
		load->warmup = arguments_seconds("--warmup", optarg);
		break;
	case OPT_PAUSE:
		load->pause = arguments_seconds("--pause", optarg) / 1000;
		break;
	case OPT_THREADS:
		load->threads = arguments_count("--threads", optarg, 1, MAX_THREADS);
		break;
	case OPT_BODY:
		load->body_size = arguments_count("--body", optarg, 0, INT_MAX);
		break;
	case OPT_FILE:
		command->file = optarg;
		break;
	case OPT_PATIENCE:
		load->patience = arguments_seconds("--patience", optarg);
		break;
	case OPT_JSON:
		command->is_json = true;
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		fputs(usage_text, stderr);
		exit(2);
	}
}

static void read_command(int argc, char **argv, struct command *command)
{
	int option;

	memset(command, 0, sizeof(*command));
	command->load.connections = command->load.threads = 1;
	command->load.body_size = 1000;
	command->load.patience = 30;
	while ((option = getopt_long(argc, argv, "s:c:n:t:h", long_options, NULL)) != -1)
		take_option(command, option);
	if (optind != argc || command->load.endpoint.len == 0) {
		fputs(usage_text, stderr);
		exit(2);
	}
	if (command->load.messages == 0 && command->load.seconds == 0)
		command->load.seconds = 5;
	if (command->load.threads > command->load.connections)
		command->load.threads = command->load.connections;
}

int main(int argc, char **argv)
{
	struct command command;
	struct sessions *sessions = NULL;
	struct load_result *result;
	struct errmsg err;
	int ret;

	read_command(argc, argv, &command);
	signal(SIGPIPE, SIG_IGN);
	if (command.file != NULL)
		ret = sessions_read(command.file, &sessions, &err);
	else
		ret = sessions_generate(GENERATED_SESSIONS, &sessions, &err);
	if (ret == -1)
		arguments_fail("sessions", err.text);
	command.load.sessions = sessions;
	if ((result = malloc(sizeof(*result))) == NULL)
		arguments_fail("memory", strerror(errno));
	if (load_run(&command.load, result, &err) == -1)
		arguments_fail("load", err.text);
	if (command.is_json)
		report_json(&command.load, result);
	else
		report_table(&command.load, result);
	ret = result->is_stuck || result->verdicts[MTA_CLOSED] > 0 ||
		result->verdicts[MTA_INSANE] > 0;
	free(result);
	sessions_free(&sessions);
	return ret;
}
