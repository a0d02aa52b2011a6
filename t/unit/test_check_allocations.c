/*
 * Shows that a decision allocates nothing once the memory that it works with has grown: the checks
 * of all stages, charges to keys that the ledger knows, and a decision's log line.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "milter/log/decision_record.h"
#include "t/unit/lib/made_limits.h"
#include "t/unit/unit.h"

#define ROUNDS 3

/*
 * Allocations are counted in the place of malloc(), calloc() and realloc(), or, under a sanitizer,
 * which has taken it already, by its hooks. These also see those of libraries.
 */
static bool is_counting;
static unsigned allocations_counted;

static void count_one(void)
{
	allocations_counted += is_counting;
}

#ifdef UNIT_SANITIZED

#include <sanitizer/allocator_interface.h>

static void on_malloc(const volatile void *memory, size_t size)
{
	(void)memory;
	(void)size;
	count_one();
}

static void on_free(const volatile void *memory)
{
	(void)memory;
}

static void install(void)
{
	static bool is_installed;

	if (!is_installed)
		ck_assert_int_ne(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free), 0);
	is_installed = true;
}

#else

void *malloc(size_t size)
{
	static void *(*real)(size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "malloc");
	count_one();
	return real(size);
}

void *calloc(size_t members, size_t size)
{
	static void *(*real)(size_t, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "calloc");
	count_one();
	return real(members, size);
}

void *realloc(void *memory, size_t size)
{
	static void *(*real)(void *, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "realloc");
	count_one();
	return real(memory, size);
}

static void install(void)
{
}

#endif

static void count_allocations_begin(void)
{
	install();
	allocations_counted = 0;
	is_counting = true;
}

static unsigned count_allocations_end(void)
{
	is_counting = false;
	return allocations_counted;
}

START_TEST(the_count_includes_libraries)
	{
		char *text = NULL;

		count_allocations_begin();
		ck_assert_int_gt(asprintf(&text, "%s", "in the C library"), 0);
		/* Memcheck takes the place of these functions, too, and nothing is counted. */
		ck_assert(count_allocations_end() > 0 || getenv("UNIT_MEMCHECK") != NULL);
		free(text);
	}
END_TEST

static struct made made;

static void make_policy(void)
{
	const struct made_profile profile = { .id = "1",
		.name = "staff",
		.open = "false",
		.host = "example.org",
		.rcpt = "x@example.net",
		.rcpt_re = "^.*@sub\\.example\\.net$",
		.maxsize = "10000" };
	const struct made_user user = { .id = "1",
		.name = "bob",
		.froms = "bob@example.com,@example.net",
		.profile_id = "1",
		.enabled = "true" };

	made_begin(&made);
	made.services[0].mode[CHECK_HELO] = MODE_YES;
	made.services[0].mode[CHECK_DATA] = MODE_YES;
	made_list(&made, LIST_CONN_DENY, "192.0.2.99\n198.51.100.0/24");
	made_list(&made, LIST_CONN_DENY_RE, "^dyn[0-9]+\\.\n^pool-.*\\.isp\\.example$");
	made_list(&made, LIST_HELO_DENY_RE, "^localhost$\nfriend.*\n(a+)+b\n[0-9]{4}-bad");
	made_list(&made, LIST_MAIL_DENY, "spam@spam.example\n@bad.example");
	made_list(&made, LIST_MAIL_DENY_RE,
		"^ads[0-9]+@\nnewsletter.*\\.example$\n(?=x)(x*)*y\n^.{200}$");
	made_list(&made, LIST_RCPT_DENY, "gone@example.org");
	made_list(&made, LIST_RCPT_DENY_RE, "^trap.*@\n.*\\.invalid$");
	made_list(&made, LIST_DOMAINS, "spammer.example\nbad.example");
	ck_assert_int_eq(made_profile(&made, &profile), 1);
	ck_assert_int_eq(made_user(&made, &user), 1);
	made_build(&made);
}

static void end_policy(void)
{
	made_end(&made);
}

/* Prepare the regexes as the daemon does. */
static void prepare(void)
{
	size_t lists = 0;
	struct regexlist **unprepared = policy_unprepared(made.policy, &lists);

	ck_assert_uint_gt(lists, 0);
	for (size_t i = 0; i < lists; i++) {
		while (regexlist_prepare(unprepared[i]))
			;
	}
	free(unprepared);
}

static const struct asked stages[] = {
	{ .stage = STAGE_CONNECT, .ip = "192.0.2.7", .rdns = "mail.example.net" },
	{ .stage = STAGE_CONNECT, .ip = "2001:db8::7" },
	{ .stage = STAGE_CONNECT, .ip = "198.51.100.4", .rdns = "dyn7.isp.example" },
	{ .stage = STAGE_HELO, .ip = "192.0.2.7", .helo = "mail.example.net" },
	{ .stage = STAGE_HELO, .ip = "192.0.2.7", .helo = "localhost" },
	{ .stage = STAGE_MAIL, .ip = "192.0.2.7", .mail = "a@mail.example.org", .size = 500 },
	{ .stage = STAGE_MAIL, .ip = "192.0.2.7", .mail = "ads7@x.example", .size = 500 },
	{ .stage = STAGE_MAIL, .ip = "192.0.2.7", .login = "bob", .mail = "bob@example.com" },
	{ .stage = STAGE_MAIL, .ip = "192.0.2.7", .login = "bob", .mail = "eve@example.org" },
	{ .stage = STAGE_MAIL, .ip = "192.0.2.7", .login = "nobody", .mail = "n@example.com" },
	{ .stage = STAGE_RCPT,
		.ip = "192.0.2.7",
		.mail = "a@example.org",
		.rcpt = "b@example.org" },
	{ .stage = STAGE_RCPT,
		.ip = "192.0.2.7",
		.mail = "a@example.org",
		.rcpt = "\"Q b\"@Example.ORG",
		.resolved = "b@other.example" },
	{ .stage = STAGE_RCPT, .login = "bob", .mail = "bob@example.com", .rcpt = "x@example.net" },
	{ .stage = STAGE_RCPT,
		.login = "bob",
		.mail = "bob@example.com",
		.rcpt = "y@sub.example.net" },
	{ .stage = STAGE_RCPT, .login = "bob", .mail = "bob@example.com", .rcpt = "no@no.example" },
	{ .stage = STAGE_HEADER,
		.login = "bob",
		.mail = "bob@example.com",
		.from = "\"Bob =?utf-8?B?w6k=?=\" <bob@example.com>" },
	{ .stage = STAGE_HEADER,
		.mail = "a@example.org",
		.from = "a@example.org (b), Group: c@d.example;",
		.from2 = "x@spammer.example" },
};

static void decide_twice(const struct asked *asked, struct verdict *verdict)
{
	unsigned allocations = 0;

	for (int i = 0; i < ROUNDS; i++) {
		count_allocations_begin();
		made_verdict(&made, asked, verdict);
		allocations = count_allocations_end();
	}
	ck_assert_uint_eq(allocations, 0);
}

START_TEST(a_decision_allocates_nothing)
	{
		struct verdict verdict;

		decide_twice(&stages[_i], &verdict);
		prepare();
		decide_twice(&stages[_i], &verdict);
	}
END_TEST

/* A message keeps its reservations until it ends, in memory that its first recipient allocates: for
 * the message, and for each key. */
#define ALLOCATIONS_OF_MESSAGE 2

static unsigned count_for_rcpt(struct made_limits *limits, const char *address)
{
	const struct check_env env = { .policy = limits->made.policy,
		.scratch = limits->made.scratch,
		.ledger = &limits->ops,
		.now = limits->now,
		.charge = true,
		.hold = &limits->hold };
	struct mail_address parsed;

	ck_assert_int_eq(address_parse(address, strlen(address), &parsed), 0);
	count_allocations_begin();
	check_rcpt(&env, &limits->facts, &parsed, &limits->verdict);
	return count_allocations_end();
}

START_TEST(a_charge_to_a_known_key_allocates_nothing)
	{
		struct made_limits limits;
		unsigned first = 0, next = 0;

		made_limits_begin(&limits);
		made_limits_have(&limits, "100/1h,1000/1d");
		for (int i = 0; i < ROUNDS; i++) {
			first = count_for_rcpt(&limits, "a@example.org");
			next = count_for_rcpt(&limits, "b@example.org");
			made_limits_commit(&limits);
		}
		ck_assert_uint_le(first, ALLOCATIONS_OF_MESSAGE);
		ck_assert_uint_eq(next, 0);
		made_limits_end(&limits);
	}
END_TEST

/* The line is not written here: this process has no log thread, and the level is too low. */
START_TEST(the_line_of_a_decision_is_built_without_an_allocation)
	{
		const struct reply reply = { .code = 550,
			.enhanced = "5.7.1",
			.text = "That \"sender\" cannot send mail here" };
		const struct usage usage = { .used = 7, .limit = 10, .window = 3600, .wait = 90 };
		const struct decision_record record = { .session = "6745AB00-1F",
			.queue = "4Xyz123",
			.client = { .family = AF_INET, .prefix_len = 32, .addr = { 192, 0, 2, 7 } },
			.rdns = "mail.example.net",
			.helo = "mail.example.net",
			.login = "bob",
			.sender = "bob@example.com",
			.recipient = "\"Quoted \xc3\xa9\"@example.org",
			.stage = "rcpt",
			.verdict = "reject",
			.check = "rcpt",
			.rule = "rcpt_to.access.blacklist:17",
			.usage = &usage,
			.reply = &reply,
			.policy = 12345 };
		char memory[1024];
		struct strbuf line;

		strbuf_lend(&line, memory, sizeof(memory));
		count_allocations_begin();
		decision_record_line(&record, &line);
		ck_assert_uint_eq(count_allocations_end(), 0);
		ck_assert_ptr_nonnull(strstr(line.text, " policy=12345 code=550 "));
		strbuf_free(&line);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_allocations");
	TCase *others = tcase_create("others"), *checks = tcase_create("checks");

	tcase_add_test(others, the_count_includes_libraries);
	tcase_add_test(others, a_charge_to_a_known_key_allocates_nothing);
	tcase_add_test(others, the_line_of_a_decision_is_built_without_an_allocation);
	suite_add_tcase(suite, others);
	tcase_add_checked_fixture(checks, make_policy, end_policy);
	tcase_add_loop_test(checks, a_decision_allocates_nothing, 0,
		sizeof(stages) / sizeof(stages[0]));
	suite_add_tcase(suite, checks);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
