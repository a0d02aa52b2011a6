/*
 * The command explain: reads the facts of sessions and prints the decisions about each. Owns the
 * sessions until it ends. t/integration/test_control.py covers it.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ask_password.h"
#include "ctl/cmd.h"
#include "ctl/explain_judge.h"
#include "ctl/explain_print.h"
#include "ctl/terminal.h"
#include "lib/base/print.h"
#include "lib/match/domain.h"

const char cmd_explain_usage[] =
	"usage: posternctl explain [--ip ADDRESS] [--rdns NAME] [--helo NAME] [--service NAME]\n"
	"           [--mta NAME] [--user LOGIN [--password]] [--mail ADDRESS] [--size OCTETS]\n"
	"           [--mail-resolved ADDRESS] [--rcpt ADDRESS]... [--resolved ADDRESS]\n"
	"           [--from VALUE]... [--sender VALUE]... [--running]\n"
	"       posternctl explain --jsonl [--running] < SESSIONS\n"
	"Show the decision about a session and the reasons, stage by stage and rule by rule. Nothing\n"
	"is charged. The configuration (-c), the lists, the JSON store and the suspended logins decide.\n"
	"  --ip        the client's address; --rdns: its host name; --helo: the argument of HELO\n"
	"  --service   the {daemon_name} of the MTA's service, for [check NAME]\n"
	"  --mta       the MTA's own host name, for [lists] local_domains; with --running, the\n"
	"              default is that of the only MTA\n"
	"  --user      the login of the session; with --password, ask for the password and check it\n"
	"  --mail      the envelope sender; --size: the SIZE= that the client declares\n"
	"  --rcpt      a recipient; may be repeated, as may --from and --sender\n"
	"  --resolved  the address to which the MTA resolves the recipient, its macro {rcpt_addr};\n"
	"              --mail-resolved: the same of the sender, its macro {mail_addr}\n"
	"  --from      the value of a From field; --sender: of a Sender field\n"
	"  --running   let the running daemon decide: it also has the counts of rate limits, and the\n"
	"              users of a database, of which the files contain at most a copy\n"
	"  --jsonl     read one session per line from standard input, and print one answer per line\n"
	"Addresses may be given with or without <>. Exit status: 0 answered, 64 wrong usage, 65 a\n"
	"malformed session, 66 the files do not show what applies to the login, 69 no daemon answers,\n"
	"78 the configuration, a list or the store cannot be read.\n";

/* Print an answer in one line. Returns code, or EX_OSERR when out of memory. */
static int print_answer(const json_t *answer, int code)
{
	if (terminal_json(stdout, answer, JSON_COMPACT) == 0)
		return code;
	print_line(stderr, "posternctl: out of memory");
	return EX_OSERR;
}

/* Read one session per line. A bad one is answered with its error, and the next one follows. */
static int explain_lines(struct explain_judge *judge)
{
	char *line = NULL;
	size_t size = 0, number = 0;
	int status = EX_OK, ret = 0;
	ssize_t len;

	while (ret != CTL_UNREACHABLE && (len = getline(&line, &size, stdin)) > 0) {
		json_error_t where;
		struct errmsg err;
		json_t *session, *answer = NULL;

		number++;
		if (strspn(line, " \t\r\n") == (size_t)len)
			continue;
		session = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, &where);
		ret = EX_DATAERR;
		if (session == NULL)
			(void)errmsg_set(&err, "not JSON: %s at column %d", where.text,
				where.column);
		else if ((ret = explain_judge_ask(judge, session, &answer, &err)) == CTL_OK)
			status = print_answer(answer, status);
		if (answer == NULL) {
			answer = json_pack("{s:I, s:s}", "line", (json_int_t)number, "error",
				err.text);
			status = print_answer(answer, ret);
			print_line(stderr, "posternctl: line %zu: %s", number, err.text);
		}
		json_decref(answer);
		json_decref(session);
	}
	free(line);
	return status;
}

static int explain_one(const struct ctl *ctl, struct explain_judge *judge, json_t *session)
{
	struct errmsg err;
	json_t *answer;
	int ret;

	if ((ret = explain_judge_ask(judge, session, &answer, &err)) != CTL_OK)
		return command_fail(ret, &err);
	if (ctl->json)
		ret = print_answer(answer, ret);
	else
		explain_print(stdout, answer, !json_is_false(json_object_get(session, "headers")),
			ctl->colour);
	json_decref(answer);
	return ret;
}

/* ---- arguments --------------------------------------------------------------- */

struct arguments {
	json_t *session;
	bool jsonl, running, ask_password, help;
	bool is_incomplete; /* a value is not UTF-8, or memory ran out */
	const char *login;
};

static void set_string(struct arguments *a, const char *key, const char *value)
{
	a->is_incomplete |= json_object_set_new(a->session, key, json_string(value)) != 0;
}

static void append_value(struct arguments *a, const char *key, json_t *value)
{
	json_t *array = json_object_get(a->session, key);

	if (array == NULL) {
		array = json_array();
		a->is_incomplete |= json_object_set_new(a->session, key, array) != 0;
	}
	a->is_incomplete |= json_array_append_new(array, value) != 0;
}

static int set_size(struct arguments *a, const char *text)
{
	long long size;
	char *end;

	errno = 0;
	size = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || !isdigit((unsigned char)text[0])) {
		print_line(stderr, "posternctl: --size: \"%s\" is not a number of octets", text);
		return -1;
	}
	(void)json_object_set_new(a->session, "size", json_integer(size));
	return 0;
}

static const struct option options[] = {
	{ "ip", required_argument, NULL, 'i' },
	{ "rdns", required_argument, NULL, 'd' },
	{ "helo", required_argument, NULL, 'e' },
	{ "service", required_argument, NULL, 'v' },
	{ "mta", required_argument, NULL, 'j' },
	{ "user", required_argument, NULL, 'u' },
	{ "login", required_argument, NULL, 'u' },
	{ "password", no_argument, NULL, 'p' },
	{ "mail", required_argument, NULL, 'm' },
	{ "size", required_argument, NULL, 's' },
	{ "rcpt", required_argument, NULL, 'r' },
	{ "mail-resolved", required_argument, NULL, 'o' },
	{ "resolved", required_argument, NULL, 'a' },
	{ "from", required_argument, NULL, 'f' },
	{ "sender", required_argument, NULL, 'n' },
	{ "jsonl", no_argument, NULL, 'l' },
	{ "running", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Add the fact that an option contains to the session; return false when it contains none. */
static bool add_fact(struct arguments *a, int option)
{
	static const struct {
		int option;
		const char *key;
	} keys[] = { { 'i', "ip" }, { 'd', "rdns" }, { 'e', "helo" }, { 'v', "service" },
		{ 'j', "mta" }, { 'm', "mail" }, { 'o', "mail_resolved" }, { 'a', "resolved" } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].option != option)
			continue;
		if (option != 'd' || !domain_is_placeholder(optarg))
			set_string(a, keys[i].key, optarg);
		return true;
	}
	switch (option) {
	case 'r':
		append_value(a, "rcpts", json_string(optarg));
		return true;
	case 'f':
		append_value(a, "headers", json_pack("[ss]", "From", optarg));
		return true;
	case 'n':
		append_value(a, "headers", json_pack("[ss]", "Sender", optarg));
		return true;
	case 'u':
		a->login = optarg;
		return true;
	default:
		return false;
	}
}

/* Return whether all facts are present that must precede the others in a session; if not, report
 * the first that is missing. */
static bool has_preceding_facts(const struct arguments *a)
{
	static const struct {
		const char *key, *option, *needed, *needed_option;
	} needs[] = {
		{ "size", "--size", "mail", "--mail" },
		{ "mail_resolved", "--mail-resolved", "mail", "--mail" },
		{ "rcpts", "--rcpt", "mail", "--mail" },
		{ "resolved", "--resolved", "rcpts", "--rcpt" },
		{ "headers", "--from or --sender", "mail", "--mail" },
		{ "headers", "--from or --sender", "rcpts", "--rcpt" },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (json_object_get(a->session, needs[i].key) == NULL ||
			json_object_get(a->session, needs[i].needed) != NULL)
			continue;
		print_line(stderr, "posternctl: %s needs %s", needs[i].option,
			needs[i].needed_option);
		return false;
	}
	return true;
}

/* error NULL: it has been printed. */
static int refuse_arguments(const char *error)
{
	if (error != NULL)
		print_line(stderr, "posternctl: %s", error);
	print_line(stderr, "posternctl: see 'posternctl help explain'");
	return EX_USAGE;
}

static int read_arguments(struct arguments *a, int argc, char **argv)
{
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		a->jsonl |= option == 'l';
		a->ask_password |= option == 'p';
		a->running |= option == 'R';
		if (add_fact(a, option) || strchr("lpR", option) != NULL)
			continue;
		switch (option) {
		case 'h':
			a->help = true;
			return EX_OK;
		case 's':
			if (set_size(a, optarg) != 0)
				return EX_USAGE;
			break;
		default:
			command_report_option(argv);
			return refuse_arguments(NULL);
		}
	}
	if (optind < argc)
		return refuse_arguments("explain has options only, no other arguments");
	if (a->ask_password && a->login == NULL)
		return refuse_arguments("--password needs --user");
	if (a->jsonl && (a->login != NULL || json_object_size(a->session) > 0))
		return refuse_arguments("--jsonl reads sessions from standard input; of the other "
					"options it allows only --running");
	if (!a->jsonl && !has_preceding_facts(a))
		return EX_USAGE;
	if (!a->jsonl && json_object_get(a->session, "headers") == NULL)
		(void)json_object_set_new(a->session, "headers", json_false());
	return EX_OK;
}

static int add_login(struct arguments *a)
{
	char password[513];
	struct errmsg err;

	if (a->login == NULL)
		return EX_OK;
	if (!a->ask_password) {
		set_string(a, "login", a->login);
		return EX_OK;
	}
	if (ask_password("Password: ", password, sizeof(password), &err) != 0)
		return command_fail(EX_DATAERR, &err);
	a->is_incomplete |=
		json_object_set_new(a->session, "auth",
			json_pack("{s:s, s:s}", "user", a->login, "password", password)) != 0;
	explicit_bzero(password, sizeof(password));
	return EX_OK;
}

int cmd_explain(const struct ctl *ctl, int argc, char **argv)
{
	struct arguments a = { .session = json_object() };
	struct explain_judge *judge = NULL;
	int status = read_arguments(&a, argc, argv);

	if (a.help) {
		json_decref(a.session);
		print_lines(stdout, cmd_explain_usage);
		return EX_OK;
	}
	if (status == EX_OK)
		status = add_login(&a);
	if (status == EX_OK && a.is_incomplete) {
		print_line(stderr, "posternctl: a value is not UTF-8, or memory ran out");
		status = EX_DATAERR;
	}
	if (status == EX_OK && (status = explain_judge_open(ctl, a.running, &judge)) == EX_OK)
		status = a.jsonl ? explain_lines(judge) : explain_one(ctl, judge, a.session);
	explain_judge_close(&judge);
	json_decref(a.session);
	return status;
}
