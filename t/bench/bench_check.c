/*
 * Measures the time of a decision: check_* alone, in one thread, without a socket or a parser of
 * commands. `bench_check -h` lists the options.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rules/check.h"
#include "t/bench/lib/check_files.h"
#include "t/bench/lib/check_looks.h"
#include "t/bench/lib/check_rules.h"
#include "t/bench/lib/timing.h"

static const char usage_text[] =
	"usage: bench_check [options]\n"
	"  --json        one line of JSON for each row instead of tables\n"
	"  --only NAME   rule sets whose name holds NAME; \"looks\": single looks into big lists\n"
	"  --rules FILE --sessions FILE   that postern.conf and those sessions of gen_rules.py instead\n"
	"                (those without a login, with one recipient)\n"
	"  --seconds S   time for each figure (0.3)\n"
	"  --big N       entries of a big list, and users: at least 5000 (1000000)\n";

static struct {
	bool is_json;
	const char *only, *rules, *sessions;
	double seconds;
	int big;
} options = { .only = "", .rules = "", .sessions = "", .seconds = 0.3, .big = 1000000 };

#define SESSIONS 4000
#define SESSIONS_TRIED 100     /* if each regex is tried, which takes milliseconds */
#define UNPREPARED_SESSIONS 20 /* likewise with 10,000 regexes */

/* The clock that the daemon uses for regexes. */
static const struct regex_clock regex_clock = { wall_ns, cpu_ns };

struct run {
	struct check_env env;
	struct check_session *sessions;
	size_t count;
	struct verdict verdict;
};

static unsigned connect_stage(void *context, size_t i)
{
	struct run *run = context;

	check_connect(&run->env, &run->sessions[i].facts, &run->verdict);
	return run->verdict.kind;
}

static unsigned helo_stage(void *context, size_t i)
{
	struct run *run = context;

	check_helo(&run->env, &run->sessions[i].facts, &run->verdict);
	return run->verdict.kind;
}

static unsigned mail_stage(void *context, size_t i)
{
	struct run *run = context;

	check_mail(&run->env, &run->sessions[i].facts, &run->verdict);
	return run->verdict.kind;
}

static unsigned rcpt_stage(void *context, size_t i)
{
	struct run *run = context;
	const struct check_session *s = &run->sessions[i];

	check_rcpt(&run->env, &s->facts, &s->rcpt, &run->verdict);
	return run->verdict.kind;
}

static unsigned header_stage(void *context, size_t i)
{
	struct run *run = context;
	const struct check_session *s = &run->sessions[i];

	check_header(&run->env, &s->facts, &s->header, &run->verdict);
	return run->verdict.kind;
}

static unsigned all_stages(void *context, size_t i)
{
	return connect_stage(context, i) + helo_stage(context, i) + mail_stage(context, i) +
		rcpt_stage(context, i) + header_stage(context, i);
}

static const struct {
	const char *name;
	timed_fn *call;
} stages[] = {
	{ "connect", connect_stage },
	{ "helo", helo_stage },
	{ "mail", mail_stage },
	{ "rcpt", rcpt_stage },
	{ "header", header_stage },
	{ "all", all_stages },
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

/* A refused session would be measured only up to its refusal. */
static bool all_pass(struct run *run, const char *set)
{
	size_t i, k;

	for (i = 0; i < run->count; i++) {
		for (k = 0; k + 1 < STAGES; k++) {
			if (stages[k].call(run, i) == VERDICT_CONTINUE)
				continue;
			fprintf(stderr,
				"bench_check: %s: not measured, since %s is answered by %s: %s\n",
				set, stages[k].name, verdict_name(run->verdict.kind),
				verdict_deciding_finding(&run->verdict)->rule);
			return false;
		}
	}
	return true;
}

static const struct {
	const char *name;
	struct check_size size; /* entries, regexes, domains, users, kind */
} sets[] = {
	{ "10 entries", { 10, 30, 10, 10, REGEXES_WITH_TEXT } },
	{ "1,000 entries", { 1000, 30, 1000, 1000, REGEXES_WITH_TEXT } },
	{ "1,000,000 entries", { 1000000, 30, 20000, 1000000, REGEXES_WITH_TEXT } },
	{ "10 regexes", { 10000, 10, 10000, 10000, REGEXES_WITH_TEXT } },
	{ "300 regexes", { 10000, 300, 10000, 10000, REGEXES_WITH_TEXT } },
	{ "100 regexes, two letters", { 10000, 100, 10000, 10000, REGEXES_WITH_TWO_LETTERS } },
	{ "1,000 regexes, no text", { 10000, 1000, 10000, 10000, REGEXES_WITH_A_CHARACTER } },
	{ "1,000 regexes, all tried", { 10000, 1000, 10000, 10000, REGEXES_WITH_NOTHING } },
	{ "3,000 regexes", { 10000, 3000, 10000, 10000, REGEXES_WITH_TEXT } },
	{ "10,000 regexes", { 10000, 10000, 10000, 10000, REGEXES_WITH_TEXT } },
};

struct figures {
	double made_s, prepared_s;
	double pcre2_ns; /* of all stages, while PCRE2 interprets every regex */
	double ns[STAGES];
};

static void print_set(const char *name, const struct check_size *size,
	const struct figures *figures)
{
	size_t k;

	if (options.is_json)
		printf("{\"set\":\"%s\",\"entries\":%d,\"regexes\":%d,\"domains\":%d,\"users\":%d,"
		       "\"made_s\":%.3f,\"prepared_s\":%.3f,\"pcre2_ns\":%.1f",
			name, size->entries, size->regexes, size->domains, size->users,
			figures->made_s, figures->prepared_s, figures->pcre2_ns);
	else
		printf("%-22s %9d %7d %7d %9d", name, size->entries, size->regexes, size->domains,
			size->users);
	for (k = 0; k < STAGES; k++) {
		if (options.is_json)
			printf(",\"%s_ns\":%.1f", stages[k].name, figures->ns[k]);
		else
			printf(" %8.0f", figures->ns[k]);
	}
	if (options.is_json)
		printf("}\n");
	else
		printf(" %11.0f %7.2f %11.2f\n", figures->pcre2_ns, figures->made_s,
			figures->prepared_s);
	(void)fflush(stdout);
}

static void decide_with(const char *name, const struct check_size *size)
{
	struct run run = { .sessions = calloc(SESSIONS, sizeof(*run.sessions)),
		.count = size->kind == REGEXES_WITH_NOTHING ? SESSIONS_TRIED : SESSIONS };
	uint64_t start = cpu_ns();
	struct figures figures;
	struct made m;
	size_t k;
	int i;

	if (run.sessions == NULL)
		abort();
	check_rules_make(&m, size);
	figures.made_s = (double)(cpu_ns() - start) / 1e9;
	for (i = 0; i < SESSIONS; i++)
		check_session_make(&run.sessions[i], size, i);
	run.env =
		(struct check_env){ .policy = m.policy, .scratch = m.scratch }; /* no time limit */
	figures.pcre2_ns = time_calls(all_stages, &run, UNPREPARED_SESSIONS, options.seconds);
	start = cpu_ns();
	check_rules_prepare(m.policy);
	figures.prepared_s = (double)(cpu_ns() - start) / 1e9;
	regex_scratch_free(&m.scratch); /* replaced by one with a clock, as in the daemon */
	m.scratch = regex_scratch_new(&regex_clock);
	run.env = (struct check_env){ .policy = m.policy, .scratch = m.scratch };
	if (all_pass(&run, name)) {
		for (k = 0; k < STAGES; k++)
			figures.ns[k] =
				time_calls(stages[k].call, &run, run.count, options.seconds);
		print_set(name, size, &figures);
	}
	made_end(&m);
	free(run.sessions);
}

/* Print a line for each stage of a rule set of files. Ends the program if a session is refused. */
static void decide_with_files(void)
{
	struct policy *policy = check_files_policy(options.rules);
	struct regex_scratch *scratch = regex_scratch_new(&regex_clock);
	struct run run = { .env = { .policy = policy, .scratch = scratch } };
	size_t k;

	run.sessions = check_files_sessions(options.sessions, &run.count);
	if (scratch == NULL || !all_pass(&run, options.rules))
		exit(1);
	for (k = 0; k < STAGES; k++)
		printf(options.is_json ? "{\"stage\":\"%s\",\"ns\":%.1f}\n" : "%-8s %8.0f ns\n",
			stages[k].name,
			time_calls(stages[k].call, &run, run.count, options.seconds));
	free(run.sessions);
	regex_scratch_free(&scratch);
	policy_unref(&policy);
}

static void decide(void)
{
	size_t i, k;

	if (!options.is_json) {
		printf("Nanoseconds a decision; entries and regexes are those of each list. PCRE2 alone: "
		       "all,\nbefore the regexes are prepared. Made and prepared: CPU seconds.\n"
		       "%-22s %9s %7s %7s %9s",
			"rule set", "entries", "regexes", "domains", "users");
		for (k = 0; k < STAGES; k++)
			printf(" %8s", stages[k].name);
		printf(" %11s %7s %11s\n", "PCRE2 alone", "made, s", "prepared, s");
	}
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (strstr(sets[i].name, options.only) != NULL)
			decide_with(sets[i].name, &sets[i].size);
	}
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = { { "big", required_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' }, { "only", required_argument, NULL, 'o' },
		{ "rules", required_argument, NULL, 'r' },
		{ "sessions", required_argument, NULL, 'S' },
		{ "seconds", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		const char *value = optarg != NULL ? optarg : "";

		switch (c) {
		case 'b':
			options.big = (int)strtol(value, NULL, 10);
			break;
		case 'j':
			options.is_json = true;
			break;
		case 'o':
			options.only = value;
			break;
		case 'r':
			options.rules = value;
			break;
		case 'S':
			options.sessions = value;
			break;
		case 's':
			options.seconds = strtod(value, NULL);
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			fputs(usage_text, stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	if ((options.rules[0] == '\0') != (options.sessions[0] == '\0') || options.big < 5000) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (options.rules[0] != '\0') {
		decide_with_files();
		return 0;
	}
	if (strcmp(options.only, "looks") != 0)
		decide();
	if (options.only[0] == '\0' || strcmp(options.only, "looks") == 0)
		check_looks(options.is_json, options.seconds, options.big);
	return 0;
}
