/*
 * Shows what the cache thread puts in force from lists, a store or nothing, how it answers reloads,
 * and that it ends cleanly. t/integration/test_database*.py show it with a database.
 */
#include "milter/cache/cache.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <idn2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/conf/config.h"
#include "lib/conf/file_wait.h"
#include "lib/store/store_write.h"
#include "milter/cache/settle.h"
#include "milter/loop/clock.h"
#include "t/unit/unit.h"

#define WAIT_MS 20000

static char folder[64];
static char path[128];
static struct snapshot *snapshot;
static struct cache *cache;
static struct errmsg err;

/* The arguments of the hooks' last calls; under lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t answered;
static bool answer_ok;
static char answer[512];
static int configs;
static bool hook_fails;

static void pause_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static const char *file(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(file(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	(void)fclose(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static int take_config(void *context, const struct config *config, const struct config *old,
	void *files, struct errmsg *why)
{
	ck_assert_ptr_eq(context, folder);
	ck_assert_ptr_ne(config, old);
	ck_assert_ptr_null(files);
	(void)pthread_mutex_lock(&lock);
	configs++;
	(void)pthread_mutex_unlock(&lock);
	return hook_fails ? errmsg_set(why, "the hook's reason") : 0;
}

static void end_reload(void *context, uint64_t request, bool ok, const struct errmsg *why)
{
	ck_assert_ptr_eq(context, folder);
	(void)pthread_mutex_lock(&lock);
	answered = request;
	answer_ok = ok;
	(void)snprintf(answer, sizeof(answer), "%s", why->text);
	(void)pthread_mutex_unlock(&lock);
}

static const struct cache_hooks hooks = {
	.context = folder,
	.config_taken = take_config,
	.reload_ended = end_reload,
};

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_cache.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(file("lists"), 0700), 0);
	snapshot = snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
	answered = 0;
	configs = 0;
	hook_fails = false;
}

static void teardown(void)
{
	char command[128];

	cache_free(&cache);
	cache_free(&cache);
	snapshot_free(&snapshot);
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a path of our own */
}

/* Start with these keys of [lists], and more sections. */
static void start_with(const char *lists, const char *more)
{
	const struct config *config;
	char text[1024];

	(void)snprintf(text, sizeof(text),
		"[lists]\ndirectory = lists\n%s[store]\npath = store.json\n%s", lists, more);
	put("postern.conf", text);
	ck_assert_int_eq(config_load(file("postern.conf"), &config, &err), 0);
	ck_assert_int_eq(cache_start(config, file("postern.conf"), snapshot, &hooks, &cache, &err),
		0);
	config_unref(&config);
}

static void start(const char *more)
{
	start_with("", more);
}

/* Request a reload and wait for its answer. Returns whether it succeeded. */
static bool reload(void)
{
	uint64_t request = cache_reload_request(cache, false);
	bool ok;
	int waited;

	for (waited = 0; waited < WAIT_MS; waited += 2) {
		(void)pthread_mutex_lock(&lock);
		if (answered >= request) {
			ok = answer_ok;
			(void)pthread_mutex_unlock(&lock);
			return ok;
		}
		(void)pthread_mutex_unlock(&lock);
		pause_ms(2);
	}
	ck_abort_msg("no answer to the reload");
	return false;
}

/* The number of users in the policy in force; -1 without a policy. */
static int users_in_force(void)
{
	struct policy *policy = snapshot_get(snapshot);
	int users = -1;

	if (policy != NULL)
		users = (int)users_count(policy_parts(policy)->users);
	policy_unref(&policy);
	return users;
}

static void wait_users(int expected)
{
	int waited;

	for (waited = 0; users_in_force() != expected; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "%d users, not %d", users_in_force(), expected);
		pause_ms(2);
	}
}

/* A policy is in force a moment before the cache's status reports it. */
static void wait_policy(void)
{
	int waited;

	for (waited = 0; cache_wait_first(cache, 0, &err) != 0; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "%s", err.text);
		pause_ms(2);
	}
}

static enum cache_source source(void)
{
	struct cache_status status;
	enum cache_source found;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	found = status.source;
	cache_status_free(&status);
	return found;
}

static void wait_source(enum cache_source expected)
{
	int waited;

	for (waited = 0; source() != expected; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "the source is %d, not %d", (int)source(),
			(int)expected);
		pause_ms(2);
	}
}

#define STORE(users) "{\"format\": \"postern-store-1\", \"profiles\": [], \"users\": [" users "]}\n"
#define BOB "{\"id\": 1, \"username\": \"bob\", \"froms\": \"b@example.com\"}"
#define EVE "{\"id\": 2, \"username\": \"eve\", \"froms\": \"e@example.com\"}"

START_TEST(lists_alone_make_a_policy)
	{
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_eq(users_in_force(), 0);
		wait_source(SOURCE_LISTS);
		ck_assert(reload());
		ck_assert_int_eq(configs, 1);
	}
END_TEST

START_TEST(a_store_is_read_and_followed)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_eq(users_in_force(), 1);
		wait_source(SOURCE_STORE);
		put("store.json", STORE(BOB ", " EVE));
		wait_users(2);
		put("store.json", STORE(BOB "]"));
		ck_assert(!reload());
		ck_assert_ptr_nonnull(strstr(answer, "store.json"));
		ck_assert_int_eq(users_in_force(), 2);
	}
END_TEST

START_TEST(a_store_may_come_and_go)
	{
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		put("store.json", STORE(BOB));
		wait_users(1);
		wait_source(SOURCE_STORE);
		ck_assert_int_eq(unlink(file("store.json")), 0);
		ck_assert(!reload()); /* its rows stay, because nobody has turned the store off */
		ck_assert_ptr_nonnull(strstr(answer, "store.json: the file does not exist"));
		wait_users(1);
		put("postern.conf", "[lists]\ndirectory = lists\n[store]\npath =\n");
		ck_assert(reload());
		wait_users(0);
		wait_source(SOURCE_LISTS);
	}
END_TEST

START_TEST(a_broken_store_gives_no_policy_until_it_is_repaired)
	{
		put("store.json", "{");
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "store.json"));
		ck_assert_int_eq(users_in_force(), -1);
		put("store.json", STORE(BOB));
		wait_users(1);
		wait_policy();
	}
END_TEST

static void deny_sender(int number)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "b%d@example.com\n", number);
	put("lists/mail_from.access.blacklist", text);
}

/* Wait until that sender is denied and nobody is held to a profile. */
static void wait_lists_alone(int number)
{
	char entry[40];
	bool is_there = false, lists_only = false;

	(void)snprintf(entry, sizeof(entry), "b%d@example.com", number);
	for (int waited = 0; !is_there; waited += 2) {
		struct policy *policy = snapshot_get(snapshot);
		struct mail_address address;
		uint32_t line;

		ck_assert_int_eq(address_parse(entry, strlen(entry), &address), 0);
		is_there = list_find_address(policy_parts(policy)->lists[LIST_MAIL_DENY], &address,
				   "", &line) == LIST_YES;
		lists_only = policy_parts(policy)->lists_only;
		policy_unref(&policy);
		ck_assert_msg(waited < WAIT_MS, "%s is not in force", entry);
		pause_ms(2);
	}
	ck_assert(lists_only);
	wait_source(SOURCE_LISTS);
}

START_TEST(lists_are_followed_while_a_store_is_broken)
	{
		deny_sender(1);
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		wait_lists_alone(1);
		put("store.json", "{ broken");
		deny_sender(2);
		wait_lists_alone(2);
		ck_assert(!reload());
		deny_sender(3);
		wait_lists_alone(3);
		put("store.json", STORE(BOB));
		wait_users(1);
		wait_source(SOURCE_STORE);
	}
END_TEST

/* Return whether a sender is denied in the policy in force. */
static bool is_denied(const char *sender)
{
	struct policy *policy = snapshot_get(snapshot);
	struct mail_address address;
	enum list_result result;
	uint32_t line;

	ck_assert_int_eq(address_parse(sender, strlen(sender), &address), 0);
	result =
		list_find_address(policy_parts(policy)->lists[LIST_MAIL_DENY], &address, "", &line);
	policy_unref(&policy);
	return result == LIST_YES;
}

/* Whether reading held.* waits, and how many threads have waited; under lock. */
static bool is_held;
static unsigned held;
static const char *held_name; /* only names that contain it wait; NULL: all held.* */
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;

/* libidn2's function, which the reader of a list calls for international names. */
int idn2_to_ascii_8z(const char *input, char **output, int flags)
{
	int (*real)(const char *, char **, int);

	*(void **)&real = dlsym(RTLD_NEXT, "idn2_to_ascii_8z");
	if (strncmp(input, "held.", 5) == 0) {
		(void)pthread_mutex_lock(&lock);
		held++;
		while (is_held && (held_name == NULL || strstr(input, held_name) != NULL))
			(void)pthread_cond_wait(&released, &lock);
		(void)pthread_mutex_unlock(&lock);
	}
	return real(input, output, flags);
}

/* How much longer, by the clock, a held thread seems to have waited than it has. */
static _Thread_local time_t waited_s;

int clock_gettime(clockid_t id, struct timespec *time)
{
	int (*real)(clockid_t, struct timespec *);
	int ret;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	ret = real(id, time);
	time->tv_sec -= waited_s;
	return ret;
}

/* Have this thread, which is about to wait, seem to have waited for some seconds already. */
static void wait_long(const char *for_path)
{
	waited_s = 20;
	file_wait_begin(for_path);
	waited_s = 0;
}

/* The same for the file itself: it waits before it is opened if it is one that hold_open() names.
 */
static const char *held_path; /* its end; NULL: none */

int open(const char *opened, int flags, ...)
{
	int (*real)(const char *, int, ...);
	mode_t mode = 0;
	va_list arguments;
	size_t len;

	*(void **)&real = dlsym(RTLD_NEXT, "open");
	if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	(void)pthread_mutex_lock(&lock);
	len = held_path == NULL ? 0 : strlen(held_path);
	if (len > 0 && strlen(opened) > len &&
		strcmp(opened + strlen(opened) - len, held_path) == 0) {
		held++;
		wait_long(opened);
		while (is_held)
			(void)pthread_cond_wait(&released, &lock);
	}
	(void)pthread_mutex_unlock(&lock);
	return real(opened, flags, mode);
}

static void hold_name(bool hold_it, const char *name)
{
	(void)pthread_mutex_lock(&lock);
	is_held = hold_it;
	held_name = name;
	if (!hold_it)
		held_path = NULL;
	held = 0;
	(void)pthread_cond_broadcast(&released);
	(void)pthread_mutex_unlock(&lock);
}

static void hold(bool hold_it)
{
	hold_name(hold_it, NULL);
}

/* Have the file whose path ends so hang when it is opened, until hold(false). */
static void hold_open(const char *end)
{
	hold(true);
	(void)pthread_mutex_lock(&lock);
	held_path = end;
	(void)pthread_mutex_unlock(&lock);
}

static unsigned count_held(void)
{
	unsigned count;

	(void)pthread_mutex_lock(&lock);
	count = held;
	(void)pthread_mutex_unlock(&lock);
	return count;
}

/* Wait until a file is being read. */
static void wait_held(void)
{
	for (int waited = 0; count_held() == 0; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "the file is not being read");
		pause_ms(2);
	}
}

/* Save a list and wait until it is being read, which goes on until hold(false). */
static void hold_list(void)
{
	hold(true);
	put("lists/rcpt_to.access.blacklist", "@held.\xc3\xa4.example\n");
	wait_held();
}

/* What the status says of the held list. */
static void see_held_list(size_t *entries_r, bool *is_read_r)
{
	struct cache_status status;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	*entries_r = status.list_entries[LIST_RCPT_DENY];
	*is_read_r = status.lists_reading[LIST_RCPT_DENY] != 0;
	cache_status_free(&status);
}

/* Wait until the status shows whether the list is being read. Returns its entries. */
static size_t wait_reading(bool expected)
{
	size_t entries = 0;
	bool is_read = !expected;

	for (int waited = 0; is_read != expected; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "the status does not show it");
		pause_ms(2);
		see_held_list(&entries, &is_read);
	}
	return entries;
}

START_TEST(a_list_that_takes_long_delays_no_other_file)
	{
		size_t entries = 0;
		bool is_read = false;

		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hold_list();
		(void)wait_reading(true);
		deny_sender(1);
		put("store.json", STORE(BOB ", " EVE));
		wait_users(2);
		for (int waited = 0; !is_denied("b1@example.com"); waited += 2) {
			ck_assert_msg(waited < WAIT_MS, "another list waits");
			pause_ms(2);
		}
		see_held_list(&entries, &is_read);
		ck_assert(is_read);
		ck_assert_uint_eq(entries, 0);
		hold(false);
		ck_assert(reload()); /* which waits for the list, and reads it again */
		see_held_list(&entries, &is_read);
		ck_assert_uint_eq(entries, 1);
	}
END_TEST

/* Wait until that sender is denied. */
static void wait_denied(const char *sender)
{
	for (int waited = 0; !is_denied(sender); waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "%s is not denied", sender);
		pause_ms(2);
	}
}

/* A list that is saved again before it has been read, so that it is never at rest. */
START_TEST(lists_come_into_force_alone_after_those_of_another_directory_have)
	{
		char moved[128];

		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		(void)snprintf(moved, sizeof(moved), "%s", file("moved"));
		hold(true);
		ck_assert_int_eq(rename(file("lists"), moved), 0);
		ck_assert_int_eq(mkdir(file("lists"), 0700), 0);
		deny_sender(1);
		put("lists/rcpt_to.access.blacklist", "@held.\xc3\xa4.example\n");
		wait_held();
		put("lists/rcpt_to.access.blacklist", "@held.\xc3\xb6.example\n");
		hold_name(true, "\xc3\xb6");
		wait_denied("b1@example.com");
		wait_held();
		deny_sender(2);
		wait_denied("b2@example.com");
		hold(false);
	}
END_TEST

/* Which paths hang when they are looked at, and how many threads have waited; under lock. */
static const char *hanging; /* all that contain it; NULL: none */
static unsigned hung;

int stat(const char *restrict looked_at, struct stat *restrict st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = dlsym(RTLD_NEXT, "stat");
	(void)pthread_mutex_lock(&lock);
	if (hanging != NULL && strstr(looked_at, hanging) != NULL) {
		hung++;
		wait_long(looked_at);
		while (hanging != NULL)
			(void)pthread_cond_wait(&released, &lock);
	}
	(void)pthread_mutex_unlock(&lock);
	return real(looked_at, st);
}

/* Have the paths that contain this hang, and wait until somebody waits for one; NULL: let them
 * answer. */
static void hang(const char *what)
{
	unsigned count = 0;

	(void)pthread_mutex_lock(&lock);
	hanging = what;
	hung = 0;
	(void)pthread_cond_broadcast(&released);
	(void)pthread_mutex_unlock(&lock);
	for (int waited = 0; what != NULL && count == 0; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "nobody looks at the lists");
		pause_ms(2);
		(void)pthread_mutex_lock(&lock);
		count = hung;
		(void)pthread_mutex_unlock(&lock);
	}
}

/* Return whether the status names a path with this end that does not answer; NULL: any. */
static bool is_unanswered(const char *end)
{
	struct cache_status status;
	bool is = false;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	for (size_t i = 0; i < status.hang_count; i++) {
		const char *named = status.hangs[i].path;

		is = is || end == NULL ||
			(strlen(named) > strlen(end) &&
				strcmp(named + strlen(named) - strlen(end), end) == 0);
	}
	cache_status_free(&status);
	return is;
}

static void wait_unanswered(const char *end)
{
	for (int waited = 0; !is_unanswered(end); waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "the status does not name %s", end);
		pause_ms(2);
	}
}

static void wait_answered(void)
{
	for (int waited = 0; is_unanswered(NULL); waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "the status still names a path");
		pause_ms(2);
	}
}

START_TEST(lists_whose_file_system_hangs_delay_nothing_else)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hang("/lists");
		put("store.json", STORE(BOB ", " EVE));
		wait_users(2);
		ck_assert(!reload());
		ck_assert_ptr_nonnull(strstr(answer, "/lists: its file system has not answered"));
		ck_assert(is_unanswered("/lists"));
		put("store.json", STORE(BOB));
		wait_users(1);
		deny_sender(1);
		hang(NULL);
		wait_answered();
		ck_assert(reload());
		ck_assert(is_denied("b1@example.com"));
		ck_assert(!is_unanswered(NULL));
	}
END_TEST

/* Write a public suffix list with this number of rules that take long to read, because they are
 * beyond ASCII. */
static void write_psl(unsigned rules)
{
	FILE *f = fopen(file("psl"), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs("com\n", f), 0);
	for (unsigned i = 0; i < rules; i++)
		ck_assert_int_ge(fprintf(f, "\xc3\xa4%u.example\n", i), 0);
	(void)fclose(f);
}

START_TEST(a_list_that_hangs_delays_no_other_list)
	{
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hang("/rcpt_to.access.blacklist");
		deny_sender(1);
		wait_denied("b1@example.com");
		wait_unanswered("/lists/rcpt_to.access.blacklist");
		deny_sender(2);
		wait_denied("b2@example.com");
		put("lists/rcpt_to.access.blacklist", "a@x.example\n");
		hang(NULL);
		wait_answered();
		ck_assert(reload());
		ck_assert_uint_eq(wait_reading(false), 1);
	}
END_TEST

START_TEST(a_configuration_that_hangs_delays_nothing_else)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hold_open("/postern.conf");
		for (int i = 0; i < 2; i++) { /* one thread waits */
			ck_assert(!reload());
			ck_assert_ptr_nonnull(strstr(answer,
				"/postern.conf: its file system has not answered for"));
		}
		ck_assert_uint_eq(count_held(), 1);
		wait_unanswered("/postern.conf");
		put("store.json", STORE(BOB ", " EVE));
		wait_users(2);
		deny_sender(1);
		wait_denied("b1@example.com");
		ck_assert_int_eq(configs, 0);
		hold(false);
		ck_assert(reload());
		ck_assert_int_eq(configs, 1);
		wait_answered();
	}
END_TEST

START_TEST(a_start_does_not_wait_for_a_public_suffix_list_that_hangs)
	{
		write_psl(0);
		hold_open("/psl");
		start_with("public_suffix_list = psl\n", "");
		wait_unanswered("/psl");
		ck_assert_int_eq(users_in_force(), -1);
		hold(false);
		wait_policy();
	}
END_TEST

START_TEST(a_store_that_hangs_delays_no_list)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hold_open("/store.json");
		put("store.json", STORE(BOB ", " EVE));
		wait_held();
		wait_unanswered("/store.json");
		deny_sender(1);
		wait_denied("b1@example.com");
		ck_assert(!reload());
		ck_assert_ptr_nonnull(strstr(answer, "/store.json: its file system"));
		hold(false);
		wait_users(2);
		ck_assert(reload());
	}
END_TEST

START_TEST(a_kept_store_that_hangs_does_not_delay_the_database)
	{
		put("store.json", STORE(BOB));
		hold_open("/store.json");
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "refused"));
		wait_unanswered("/store.json");
		hold(false);
		wait_users(1);
		wait_source(SOURCE_CACHE);
	}
END_TEST

START_TEST(a_file_system_that_hangs_does_not_delay_the_end)
	{
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hang("/lists");
		cache_free(&cache);
		ck_assert_ptr_null(cache);
		hang(NULL);
	}
END_TEST

START_TEST(a_start_does_not_wait_for_a_file_system_that_hangs)
	{
		uint64_t question;

		(void)pthread_mutex_lock(&lock);
		hanging = "/lists";
		(void)pthread_mutex_unlock(&lock);
		start("");
		question = cache_ask(cache);
		for (int waited = 0; cache_answered(cache) < question; waited += 2) {
			ck_assert_msg(waited < WAIT_MS, "no sign of life");
			pause_ms(2);
		}
		ck_assert_int_eq(users_in_force(), -1);
		hang(NULL);
		wait_policy();
	}
END_TEST

/* The file is emptied after it was found settled, and before it is read. */
START_TEST(a_list_that_is_saved_again_while_its_read_begins_is_never_empty)
	{
		FILE *next;

		put("lists/rcpt_to.access.blacklist", "a@x.example\nb@x.example\n");
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hold_open("/rcpt_to.access.blacklist");
		put("lists/rcpt_to.access.blacklist", "a@x.example\n");
		wait_held();
		(void)wait_reading(true);
		next = fopen(file("lists/rcpt_to.access.blacklist"), "w");
		ck_assert_ptr_nonnull(next);
		hold(false);
		ck_assert_uint_eq(wait_reading(false), 2);
		ck_assert_int_ge(fputs("a@x.example\nb@x.example\nc@x.example\n", next), 0);
		ck_assert_int_eq(fclose(next), 0);
		ck_assert(reload());
		ck_assert_uint_eq(wait_reading(false), 3);
	}
END_TEST

/* Wait until the status shows that so many lists are being read. */
static void wait_readings(int expected)
{
	struct cache_status status;
	int readings = -1;

	for (int waited = 0; readings != expected; waited += 2) {
		ck_assert_msg(waited < WAIT_MS, "%d lists are being read, not %d", readings,
			expected);
		pause_ms(2);
		ck_assert_int_eq(cache_copy_status(cache, &status), 0);
		readings = 0;
		for (int i = 0; i < LIST_COUNT; i++)
			readings += status.lists_reading[i] != 0;
		cache_status_free(&status);
	}
}

/* Return whether the settings in force delay rejections. */
static bool delays_rejections(void)
{
	struct policy *policy = snapshot_get(snapshot);
	const bool delays = policy_parts(policy)->settings->delay_reject;

	policy_unref(&policy);
	return delays;
}

START_TEST(settings_come_into_force_with_the_lists_of_their_directory)
	{
		const char *reloaded = "[milter]\ndelay_reject = no\n[lists]\ndirectory = other\n"
				       "[store]\npath = store.json\n";

		put("store.json", STORE(BOB));
		start("[milter]\ndelay_reject = yes\n");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert(delays_rejections());
		ck_assert_int_eq(mkdir(file("other"), 0700), 0);
		hold(true);
		put("other/rcpt_to.access.blacklist", "@held.\xc3\xa4.example\n");
		put("postern.conf", reloaded);
		(void)cache_reload_request(cache, false);
		wait_held();
		put("store.json", STORE(BOB ", " EVE));
		wait_users(2); /* which wait for no list */
		wait_readings(1);
		ck_assert(delays_rejections());
		hold(false);
		ck_assert(reload());
		ck_assert(!delays_rejections());
	}
END_TEST

START_TEST(the_daemon_ends_while_a_list_is_being_read)
	{
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		hold_list();
		cache_free(&cache);
		hold(false);
	}
END_TEST

/* Whether the status reports an error of the store. */
static bool store_has_error(void)
{
	struct cache_status status;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	cache_status_free(&status);
	return status.store_error[0] != '\0';
}

/*
 * A file that was removed counts as gone if no other takes its place for a while. That begins when
 * its absence is seen, not when a reload began that waited for something else.
 */
START_TEST(a_list_that_is_replaced_during_a_slow_reload_stays_in_force)
	{
		int64_t removed;
		bool denied;

		deny_sender(1);
		write_psl(0);
		start_with("public_suffix_list = psl\n", "");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		write_psl(unit_times_or(180000, 6000));
		(void)cache_reload_request(cache, false);
		pause_ms(SETTLE_GONE_MS + 200); /* meanwhile, the public suffix list is read */
		removed = clock_ms();
		ck_assert_int_eq(unlink(file("lists/mail_from.access.blacklist")), 0);
		do {
			denied = is_denied("b1@example.com");
			ck_assert(denied || clock_ms() - removed >= SETTLE_GONE_MS);
			pause_ms(10);
		} while (denied && clock_ms() - removed < SETTLE_GONE_MS / 2);
	}
END_TEST

/* Whether a problem of the policy contains a text. */
static bool has_problem(const char *text)
{
	struct cache_status status;
	json_t *problems;
	bool has = false;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	problems = cache_status_problems_json(&status, PROBLEM);
	for (size_t i = 0; i < json_array_size(problems); i++)
		has = has || strstr(json_string_value(json_array_get(problems, i)), text) != NULL;
	json_decref(problems);
	cache_status_free(&status);
	return has;
}

START_TEST(lists_are_missed_whose_directory_disappears_before_they_are_read)
	{
		char elsewhere[128];

		deny_sender(1); /* read, as are all other lists */
		ck_assert_int_eq(mkdir(file("lists/rcpt_to.access.blacklist"), 0700), 0);
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), -1);
		(void)snprintf(elsewhere, sizeof(elsewhere), "%s", file("elsewhere"));
		ck_assert_int_eq(rename(file("lists"), elsewhere), 0);
		wait_policy();
		wait_lists_alone(1);
		for (int waited = 0;
			!has_problem("the directory does not exist, so that the lists that "
				     "were not read before are empty");
			waited += 2) {
			ck_assert(waited < WAIT_MS);
			pause_ms(2);
		}
	}
END_TEST

START_TEST(a_broken_store_that_is_removed_is_forgotten)
	{
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		put("store.json", "{ broken");
		ck_assert(!reload());
		ck_assert(store_has_error());
		ck_assert_int_eq(unlink(file("store.json")), 0);
		ck_assert(reload());
		ck_assert(!store_has_error());
		wait_source(SOURCE_LISTS);
	}
END_TEST

START_TEST(lists_are_followed_while_a_new_database_is_down)
	{
		deny_sender(1);
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		put("postern.conf",
			"[lists]\ndirectory = lists\n[store]\npath = store.json\n"
			"[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert(!reload());
		deny_sender(2);
		wait_lists_alone(2);
	}
END_TEST

/* If nothing was in force before, lists alone would let every login send as anybody. */
START_TEST(the_first_policy_waits_for_a_new_database)
	{
		ck_assert_int_eq(mkdir(file("lists/mail_from.access.blacklist"), 0700), 0);
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), -1);
		put("postern.conf",
			"[lists]\ndirectory = lists\n[store]\npath = store.json\n"
			"[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert(!reload());
		ck_assert_int_eq(rmdir(file("lists/mail_from.access.blacklist")), 0);
		deny_sender(1);
		ck_assert(!reload());
		ck_assert_int_eq(users_in_force(), -1);
		put("store.json", STORE(BOB));
		ck_assert(!reload());
		wait_users(1);
	}
END_TEST

START_TEST(a_bad_configuration_leaves_the_old_one)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		put("postern.conf", "[nonsense]\n");
		ck_assert(!reload());
		ck_assert_ptr_nonnull(strstr(answer, "nonsense"));
		ck_assert_int_eq(configs, 0);
		ck_assert_int_eq(users_in_force(), 1);
	}
END_TEST

/* An error of config_taken fails the reload; the configuration is in force nevertheless. */
START_TEST(an_error_of_the_hook_fails_the_reload)
	{
		start("");
		hook_fails = true;
		ck_assert(!reload());
		ck_assert_str_eq(answer, "the hook's reason");
		hook_fails = false;
		ck_assert(reload());
		ck_assert_int_eq(configs, 2);
	}
END_TEST

START_TEST(requests_are_answered_together)
	{
		uint64_t first, last = 0;
		int i;

		start("");
		first = cache_reload_request(cache, false);
		for (i = 0; i < 100; i++) {
			last = cache_reload_request(cache, false);
			ck_assert_uint_gt(last, first);
		}
		ck_assert(reload());
		ck_assert_uint_gt(answered, last);
		ck_assert_int_lt(configs, 100);
	}
END_TEST

START_TEST(a_database_that_is_down_is_the_reason_for_no_policy)
	{
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "refused"));
		ck_assert_int_eq(users_in_force(), -1);
		ck_assert(!reload());
		ck_assert_ptr_nonnull(strstr(answer, "database: "));
	}
END_TEST

START_TEST(a_kept_store_decides_while_the_database_is_down)
	{
		put("store.json", STORE(BOB));
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_eq(users_in_force(), 1);
		ck_assert_int_eq(source(), SOURCE_CACHE);
	}
END_TEST

/* When the rows in force were last known to be right. */
static time_t confirmed(void)
{
	struct cache_status status;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	cache_status_free(&status);
	return status.confirmed;
}

/* The database may be found to be down before the lists have been read. */
START_TEST(a_kept_store_decides_as_soon_as_the_lists_have_been_read)
	{
		hold(true);
		put("lists/rcpt_to.access.blacklist", "@held.\xc3\xa4.example\n");
		put("store.json", STORE(BOB));
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert_int_eq(cache_wait_first(cache, 300, &err), -1);
		ck_assert_str_eq(err.text, "nothing has been loaded yet");
		hold(false);
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_eq(users_in_force(), 1);
	}
END_TEST

START_TEST(a_kept_store_has_the_age_that_it_records)
	{
		const struct store kept = { .revision = "10:10:", .written = 1700000000 };

		ck_assert_int_eq(store_write(file("store.json"), &kept, NULL, NULL, &err), 0);
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_eq(confirmed(), 1700000000);
	}
END_TEST

START_TEST(a_kept_store_without_an_age_has_that_of_its_file)
	{
		const struct timespec times[2] = { { .tv_sec = 1600000000 },
			{ .tv_sec = 1600000000 } };

		put("store.json", STORE(BOB));
		ck_assert_int_eq(utimensat(AT_FDCWD, file("store.json"), times, 0), 0);
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_eq(confirmed(), 1600000000);
	}
END_TEST

START_TEST(a_hand_written_store_is_confirmed_when_read)
	{
		const struct timespec times[2] = { { .tv_sec = 1600000000 },
			{ .tv_sec = 1600000000 } };

		put("store.json", STORE(BOB));
		ck_assert_int_eq(utimensat(AT_FDCWD, file("store.json"), times, 0), 0);
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		ck_assert_int_ge(confirmed(), time(NULL) - 60);
	}
END_TEST

/* Parts of a policy that can be wrong: a list_id, the store, or one of the others. */
enum { STORE_PART = LIST_COUNT, CONFIG_PART, SOURCE_PART };

/* Since when a part is wrong; the policy is at least as old as that. */
static time_t wrong_since(size_t part)
{
	struct cache_status status;
	time_t since;

	ck_assert_int_eq(cache_copy_status(cache, &status), 0);
	since = part == CONFIG_PART ? status.right.config_wrong_since :
		part == SOURCE_PART ? status.right.source_wrong_since :
				      status.right.wrong_since[part];
	ck_assert(since == 0 || status.confirmed <= since);
	cache_status_free(&status);
	return since;
}

static void wait_wrong(bool is_wrong, size_t part)
{
	int i;

	for (i = 0; (wrong_since(part) != 0) != is_wrong; i++) {
		ck_assert_int_lt(i, WAIT_MS / 2);
		pause_ms(2);
	}
}

START_TEST(the_policy_is_as_old_as_what_cannot_be_read)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		wait_wrong(false, STORE_PART);
		put("store.json", "half a fi");
		wait_wrong(true, STORE_PART);
		put("store.json", STORE(BOB));
		wait_wrong(false, STORE_PART);
		ck_assert_int_eq(mkdir(file("lists/mail_from.access.blacklist"), 0700), 0);
		wait_wrong(true, LIST_MAIL_DENY);
		ck_assert_int_eq(rmdir(file("lists/mail_from.access.blacklist")), 0);
		deny_sender(1);
		wait_wrong(false, LIST_MAIL_DENY);
		put("postern.conf", "[nonsense]\n");
		ck_assert(!reload());
		wait_wrong(true, CONFIG_PART);
	}
END_TEST

START_TEST(the_policy_is_as_old_as_the_change_of_its_source)
	{
		put("store.json", STORE(BOB));
		start("");
		ck_assert_int_eq(cache_wait_first(cache, WAIT_MS, &err), 0);
		wait_wrong(false, SOURCE_PART);
		put("postern.conf",
			"[lists]\ndirectory = lists\n[database]\nconninfo = host=127.0.0.1 port=1\n");
		ck_assert(!reload());
		wait_wrong(true, SOURCE_PART);
	}
END_TEST

START_TEST(a_stop_right_after_the_start_is_clean)
	{
		start("[database]\nconninfo = host=127.0.0.1 port=1\n");
		cache_free(&cache);
		ck_assert_ptr_null(cache);
	}
END_TEST

START_TEST(a_stop_answers_pending_reloads)
	{
		start("");
		(void)cache_reload_request(cache, false);
		cache_free(&cache);
		ck_assert_uint_eq(answered, 1);
	}
END_TEST

static Suite *cache_suite(void)
{
	Suite *suite = suite_create("cache");
	TCase *tcase = tcase_create("cache");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lists_alone_make_a_policy);
	tcase_add_test(tcase, a_store_is_read_and_followed);
	tcase_add_test(tcase, a_store_may_come_and_go);
	tcase_add_test(tcase, a_broken_store_gives_no_policy_until_it_is_repaired);
	tcase_add_test(tcase, lists_are_followed_while_a_store_is_broken);
	tcase_add_test(tcase, a_list_that_takes_long_delays_no_other_file);
	tcase_add_test(tcase, lists_come_into_force_alone_after_those_of_another_directory_have);
	tcase_add_test(tcase, lists_whose_file_system_hangs_delay_nothing_else);
	tcase_add_test(tcase, a_list_that_hangs_delays_no_other_list);
	tcase_add_test(tcase, a_configuration_that_hangs_delays_nothing_else);
	tcase_add_test(tcase, a_start_does_not_wait_for_a_public_suffix_list_that_hangs);
	tcase_add_test(tcase, a_store_that_hangs_delays_no_list);
	tcase_add_test(tcase, a_kept_store_that_hangs_does_not_delay_the_database);
	tcase_add_test(tcase, a_file_system_that_hangs_does_not_delay_the_end);
	tcase_add_test(tcase, a_start_does_not_wait_for_a_file_system_that_hangs);
	tcase_add_test(tcase, a_list_that_is_saved_again_while_its_read_begins_is_never_empty);
	tcase_add_test(tcase, settings_come_into_force_with_the_lists_of_their_directory);
	tcase_add_test(tcase, the_daemon_ends_while_a_list_is_being_read);
	tcase_add_test(tcase, a_list_that_is_replaced_during_a_slow_reload_stays_in_force);
	tcase_add_test(tcase, lists_are_missed_whose_directory_disappears_before_they_are_read);
	tcase_add_test(tcase, a_broken_store_that_is_removed_is_forgotten);
	tcase_add_test(tcase, lists_are_followed_while_a_new_database_is_down);
	tcase_add_test(tcase, the_first_policy_waits_for_a_new_database);
	tcase_add_test(tcase, a_bad_configuration_leaves_the_old_one);
	tcase_add_test(tcase, an_error_of_the_hook_fails_the_reload);
	tcase_add_test(tcase, requests_are_answered_together);
	tcase_add_test(tcase, a_database_that_is_down_is_the_reason_for_no_policy);
	tcase_add_test(tcase, a_kept_store_decides_while_the_database_is_down);
	tcase_add_test(tcase, a_kept_store_decides_as_soon_as_the_lists_have_been_read);
	tcase_add_test(tcase, a_kept_store_has_the_age_that_it_records);
	tcase_add_test(tcase, a_kept_store_without_an_age_has_that_of_its_file);
	tcase_add_test(tcase, a_hand_written_store_is_confirmed_when_read);
	tcase_add_test(tcase, the_policy_is_as_old_as_what_cannot_be_read);
	tcase_add_test(tcase, the_policy_is_as_old_as_the_change_of_its_source);
	tcase_add_test(tcase, a_stop_right_after_the_start_is_clean);
	tcase_add_test(tcase, a_stop_answers_pending_reloads);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN_ALONE(cache_suite)
