/*
 * Shows that sessions wait for no lock that all of them take: each takes those of its client and of
 * the keys that it is charged to. The log has a lock of its own, for lines that are written.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "milter/log/events.h"
#include "t/unit/lib/made_session.h"
#include "t/unit/unit.h"

#define SESSIONS 4
#define LOCKS_MAX 64

struct locks {
	const void *at[LOCKS_MAX];
	size_t count;
};

static struct locks *noted; /* NULL: nobody counts */

#ifdef UNIT_SANITIZED /* TSan has taken the place of these functions */
#define ARE_LOCKS_NOTED false
#else
#define ARE_LOCKS_NOTED true

static void note(const void *lock)
{
	if (noted == NULL)
		return;
	if (noted->count == LOCKS_MAX)
		abort();
	noted->at[noted->count++] = lock;
}

int pthread_mutex_lock(pthread_mutex_t *lock)
{
	static int (*real)(pthread_mutex_t *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	note(lock);
	return real(lock);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	static int (*real)(pthread_rwlock_t *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_rwlock_rdlock");
	note(lock);
	return real(lock);
}
#endif

static bool has(const struct locks *locks, const void *lock)
{
	for (size_t i = 0; i < locks->count; i++) {
		if (locks->at[i] == lock)
			return true;
	}
	return false;
}

static struct made_session s;

static void setup(void)
{
	made_session_begin(&s);
	made_list(&s.made, LIST_MAIL_DENY, "spam@x.example");
	made_list(&s.made, LIST_MAIL_DENY_RE, "^ads[0-9]+@\nbad.*\\.example$");
	made_list(&s.made, LIST_RCPT_DENY, "no@y.example");
	made_session_open(&s);
	events_unfollow(); /* nobody follows the decisions, as usual */
}

static void teardown(void)
{
	events_follow(NULL, NULL);
	made_session_end(&s);
}

/* Run a session with a message, from the MTA's announcement of the client to its end. */
static void run_session(const char *ip, struct locks *locks_r)
{
	struct session *session = made_session_another(&s);
	struct results_field results;
	struct verdict verdict;
	int accepted;

	noted = locks_r;
	(void)made_session_connect(&s, session, ip, "mail.example.net");
	session_helo(session, "mail.example.net", &verdict);
	(void)made_session_mail(&s, session, "<a@x.example>", "bob");
	(void)made_session_rcpt(&s, session, "<b@y.example>");
	session_data(session, "Q");
	session_field(session, "From", " a@x.example");
	session_header_end(session, "Q", &verdict);
	(void)session_body(session, 100, &verdict);
	accepted = session_accept(session, "Q", &results, &verdict);
	session_free(&session);
	noted = NULL; /* before the next assertion, which takes a lock itself */
	ck_assert_int_eq(accepted, 0);
	results_field_free(&results);
}

START_TEST(no_lock_is_shared_by_all_sessions)
	{
		static const char *const clients[SESSIONS] = { "192.0.2.1", "192.0.2.7",
			"198.51.100.9", "203.0.113.200" };
		struct locks locks[SESSIONS] = { { .count = 0 } };
		bool is_shared;

		for (size_t i = 0; i < SESSIONS; i++) {
			run_session(clients[i], &locks[i]);
			ck_assert(locks[i].count > 0 || !ARE_LOCKS_NOTED);
		}
		for (size_t k = 0; k < locks[0].count; k++) {
			is_shared = true;
			for (size_t i = 1; i < SESSIONS; i++)
				is_shared = is_shared && has(&locks[i], locks[0].at[k]);
			ck_assert(!is_shared);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("session_locks");
	TCase *tcase = tcase_create("session_locks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, no_lock_is_shared_by_all_sessions);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
