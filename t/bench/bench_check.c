/*
 * What a decision costs: check_* alone, in one thread, without a socket or a parser of commands.
 * `bench_check -h` tells the options.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/rules/check.h"
#include "t/bench/lib/check_rules.h"

static const char usage_text[] =
	"usage: bench_check [options]\n"
	"  --json        one line of JSON for each row instead of tables\n"
	"  --only NAME   rule sets whose name holds NAME; \"looks\": single looks into big lists\n"
	"  --seconds S   time for each figure (0.3)\n";

/* Every figure is the median of this many turns. */
#define TURNS 5

static struct {
	bool is_json;
	const char *only;
	double seconds;
} options = { .only = "", .seconds = 0.3 };

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* For the budget of regexes, as the daemon has it. */
static uint64_t now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* For everything that is measured: time of the processor, so that others who run beside count less.
 */
static uint64_t cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* What is measured: the call for item i. Returns something, so that no call is left out. */
typedef unsigned call_fn(void *context, size_t i);

static volatile unsigned sink;

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Nanoseconds a call over `count` items again and again: the median of the turns. */
static double measure(call_fn *call, void *context, size_t count)
{
	double turns[TURNS];
	uint64_t start, end, calls;
	unsigned sum = 0;
	size_t i;
	int turn;

	for (turn = 0; turn < TURNS; turn++) {
		start = cpu_ns();
		calls = 0;
		do {
			for (i = 0; i < count; i++)
				sum += call(context, i);
			calls += count;
			end = cpu_ns();
		} while ((double)(end - start) < options.seconds / TURNS * 1e9);
		turns[turn] = (double)(end - start) / (double)calls;
	}
	sink = sum;
	qsort(turns, TURNS, sizeof(turns[0]), compare);
	return turns[TURNS / 2];
}

/* ---- whole decisions ---- */

#define SESSIONS 4000

struct run {
	struct decider decider;
	struct check_session *sessions;
	struct verdict verdict;
};

static unsigned connect_stage(void *context, size_t i)
{
	struct run *run = context;

	check_connect(&run->decider, &run->sessions[i].facts, &run->verdict);
	return run->verdict.kind;
}

static unsigned helo_stage(void *context, size_t i)
{
	struct run *run = context;

	check_helo(&run->decider, &run->sessions[i].facts, &run->verdict);
	return run->verdict.kind;
}

static unsigned mail_stage(void *context, size_t i)
{
	struct run *run = context;

	check_mail(&run->decider, &run->sessions[i].facts, &run->verdict);
	return run->verdict.kind;
}

static unsigned rcpt_stage(void *context, size_t i)
{
	struct run *run = context;
	const struct check_session *s = &run->sessions[i];

	check_rcpt(&run->decider, &s->facts, &s->rcpt, &run->verdict);
	return run->verdict.kind;
}

static unsigned header_stage(void *context, size_t i)
{
	struct run *run = context;
	const struct check_session *s = &run->sessions[i];

	check_header(&run->decider, &s->facts, &s->header, &run->verdict);
	return run->verdict.kind;
}

static unsigned all_stages(void *context, size_t i)
{
	return connect_stage(context, i) + helo_stage(context, i) + mail_stage(context, i) +
		rcpt_stage(context, i) + header_stage(context, i);
}

static const struct {
	const char *name;
	call_fn *call;
} stages[] = {
	{ "connect", connect_stage },
	{ "helo", helo_stage },
	{ "mail", mail_stage },
	{ "rcpt", rcpt_stage },
	{ "header", header_stage },
	{ "all", all_stages },
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

/* A session that is refused would be measured to its refusal alone. */
static void must_pass(struct run *run)
{
	size_t i, k;

	for (i = 0; i < SESSIONS; i++) {
		for (k = 0; k + 1 < STAGES; k++) {
			if (stages[k].call(run, i) == VERDICT_CONTINUE)
				continue;
			fprintf(stderr, "bench_check: session %zu is refused at %s: %s\n", i,
				stages[k].name, verdict_decider(&run->verdict)->rule);
			exit(1);
		}
	}
}

static const struct {
	const char *name;
	struct check_size size; /* entries, regexes, domains, users */
} sets[] = {
	{ "10 entries", { 10, 30, 10, 10 } },
	{ "1,000 entries", { 1000, 30, 1000, 1000 } },
	{ "1,000,000 entries", { 1000000, 30, 20000, 1000000 } },
	{ "30 regexes", { 10000, 30, 10000, 10000 } },
	{ "300 regexes", { 10000, 300, 10000, 10000 } },
	{ "3,000 regexes", { 10000, 3000, 10000, 10000 } },
};

static void print_set(const char *name, const struct check_size *size, double made_in,
	const double ns[STAGES])
{
	size_t k;

	if (options.is_json)
		printf("{\"set\":\"%s\",\"entries\":%d,\"regexes\":%d,\"domains\":%d,\"users\":%d,"
		       "\"made_s\":%.3f",
			name, size->entries, size->regexes, size->domains, size->users, made_in);
	else
		printf("%-18s %9d %7d %7d %9d", name, size->entries, size->regexes, size->domains,
			size->users);
	for (k = 0; k < STAGES; k++) {
		if (options.is_json)
			printf(",\"%s_ns\":%.1f", stages[k].name, ns[k]);
		else
			printf(" %8.0f", ns[k]);
	}
	printf(options.is_json ? "}\n" : " %7.2f\n", made_in);
	(void)fflush(stdout);
}

static void decide_with(const char *name, const struct check_size *size)
{
	struct run run = { .sessions = calloc(SESSIONS, sizeof(*run.sessions)) };
	uint64_t start = cpu_ns();
	double ns[STAGES], made_in;
	struct made m;
	size_t k;
	int i;

	if (run.sessions == NULL)
		abort();
	check_rules_make(&m, size);
	made_in = (double)(cpu_ns() - start) / 1e9;
	regex_scratch_free(&m.scratch); /* one with a clock, as the daemon has it */
	m.scratch = regex_scratch_new(now_ns);
	for (i = 0; i < SESSIONS; i++)
		check_session_make(&run.sessions[i], size, i);
	run.decider = (struct decider){ .policy = m.policy, .scratch = m.scratch };
	must_pass(&run);
	for (k = 0; k < STAGES; k++)
		ns[k] = measure(stages[k].call, &run, SESSIONS);
	print_set(name, size, made_in, ns);
	made_end(&m);
	free(run.sessions);
}

static void decide(void)
{
	size_t i, k;

	if (!options.is_json) {
		printf("Nanoseconds a decision; entries and regexes are those of each list.\n"
		       "%-18s %9s %7s %7s %9s",
			"rule set", "entries", "regexes", "domains", "users");
		for (k = 0; k < STAGES; k++)
			printf(" %8s", stages[k].name);
		printf(" %7s\n", "made, s");
	}
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (strstr(sets[i].name, options.only) != NULL)
			decide_with(sets[i].name, &sets[i].size);
	}
}

/* ---- single looks ---- */

#define KEYS 200000
#define ADDRESSES 20000 /* of 3 KiB each */

struct looks {
	const struct list *list;
	const struct users *users;
	char (*texts)[64];
	struct cidr *clients;
	struct mail_address *addresses;
};

static unsigned look_host(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_find_host(l->list, l->texts[i], &line) == LIST_YES;
}

static unsigned look_client(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_find_client(l->list, &l->clients[i], &line) == LIST_YES;
}

static unsigned look_address(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_find_address(l->list, &l->addresses[i % ADDRESSES], &line) == LIST_YES;
}

static unsigned look_any_host(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_any_host(l->list, l->texts[i], &line) != ANY_UNLISTED;
}

static unsigned look_any_address(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_any_address(l->list, &l->addresses[i % ADDRESSES], &line) != ANY_UNLISTED;
}

static unsigned look_user(void *context, size_t i)
{
	const struct looks *l = context;
	struct user user;

	return users_find(l->users, l->texts[i], strlen(l->texts[i]), &user);
}

static unsigned parse_address(void *context, size_t i)
{
	const struct looks *l = context;
	const struct mail_address *from = &l->addresses[i % ADDRESSES];
	struct mail_address address;

	return address_parse(from->text, from->text_len, &address) == 0;
}

/* What each look asks for: a text by number, in front of it what makes it another one. */
static const struct {
	const char *what;
	call_fn *call;
	void (*text)(char text_r[64], int i);
	int first, count; /* numbers of what is there, and how many of it */
	const char *other;
	enum list_id list;
} looks[] = {
	{ "host name in a list", look_host, check_rules_host, 0, 500000, "x", LIST_CONN_DENY },
	{ "client address in a list", look_client, check_rules_client, 500002, 400000, "1",
		LIST_CONN_DENY },
	{ "mail address in a list", look_address, check_rules_address, 0, 1000000, "x",
		LIST_MAIL_DENY },
	{ "host name, any", look_any_host, check_rules_domain, 0, 20000, "x", LIST_DOMAINS },
	{ "mail address, any", look_any_address, check_rules_domain, 0, 20000, "x", LIST_DOMAINS },
	{ "user", look_user, check_rules_user, 0, 1000000, "x", LIST_COUNT },
	{ "mail address, parsed", parse_address, check_rules_address, 0, 1000000, "x", LIST_COUNT },
};

/* Fill in what is asked for, as a name, as an address, and as a client's. */
static void fill(struct looks *l, size_t row, const char *prefix)
{
	char text[64], address[128];
	unsigned random = 12345;
	int i;

	for (i = 0; i < KEYS; i++) {
		random = random * 1664525 + 1013904223; /* of Numerical Recipes */
		looks[row].text(text,
			looks[row].first + (int)(random % (unsigned)looks[row].count));
		(void)snprintf(l->texts[i], sizeof(l->texts[i]), "%s%s", prefix, text);
		if (looks[row].call == look_client &&
			cidr_parse(l->texts[i], &l->clients[i], NULL) < 0)
			abort();
		if (i >= ADDRESSES)
			continue;
		(void)snprintf(address, sizeof(address), "%s%s",
			strchr(text, '@') == NULL ? "a@" : "", l->texts[i]);
		if (address_parse(address, strlen(address), &l->addresses[i]) < 0)
			abort();
	}
}

static void look(struct looks *l, size_t row, const char *prefix, int entries)
{
	unsigned found = 0;
	double ns;
	size_t i;

	fill(l, row, prefix);
	for (i = 0; i < KEYS; i++)
		found += looks[row].call(l, i);
	ns = measure(looks[row].call, l, KEYS);
	if (options.is_json)
		printf("{\"look\":\"%s\",\"entries\":%d,\"found\":%.3f,\"ns\":%.1f}\n",
			looks[row].what, entries, (double)found / KEYS, ns);
	else
		printf("%-28s %9d %8.1f%% %8.0f\n", looks[row].what, entries, found * 100.0 / KEYS,
			ns);
	(void)fflush(stdout);
}

static void look_up(void)
{
	static const struct check_size size = { 1000000, 1, 20000, 1000000 };
	struct looks l = { .texts = calloc(KEYS, sizeof(*l.texts)),
		.clients = calloc(KEYS, sizeof(*l.clients)),
		.addresses = calloc(ADDRESSES, sizeof(*l.addresses)) };
	struct made m;
	size_t i;

	if (l.texts == NULL || l.clients == NULL || l.addresses == NULL)
		abort();
	check_rules_make(&m, &size);
	l.users = policy_parts(m.policy)->users;
	if (!options.is_json)
		printf("\nNanoseconds a look.\n%-28s %9s %9s %8s\n", "what", "entries", "found",
			"ns");
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		l.list = looks[i].list < LIST_COUNT ? policy_parts(m.policy)->lists[looks[i].list] :
						      NULL;
		look(&l, i, "", l.list == NULL ? size.users : (int)list_entries(l.list));
		look(&l, i, looks[i].other,
			l.list == NULL ? size.users : (int)list_entries(l.list));
	}
	made_end(&m);
	free(l.texts);
	free(l.clients);
	free(l.addresses);
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = { { "json", no_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (c) {
		case 'j':
			options.is_json = true;
			break;
		case 'o':
			options.only = optarg;
			break;
		case 's':
			options.seconds = strtod(optarg, NULL);
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
	if (strcmp(options.only, "looks") != 0)
		decide();
	if (options.only[0] == '\0' || strcmp(options.only, "looks") == 0)
		look_up();
	return 0;
}
