/*
 * The keys for tokens: reading them as [jwt] configures, which keys are in force after a success or
 * a failure, reading their file again when it changes, and a file system that does not answer.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "t/unit/lib/auth_service.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"

/* RFC 8037 appendix A.2 */
#define JWK                                     \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define TWO_JWKS "{\"keys\":[" JWK "," JWK "]}"

static char folder[64], conf_path[96], keys_path[96];
static struct auth auth;
static struct auth_keys made;

/* A configuration with this [jwt]. */
static const struct config *config_with(const char *jwt)
{
	const struct config *config;
	struct errmsg err;
	char text[512];
	int len = snprintf(text, sizeof(text), "[jwt]\n%s\n", jwt);

	ck_assert_msg(config_parse(conf_path, text, (size_t)len, &config, &err) == 0, "%s",
		err.text);
	return config;
}

static void write_keys(const char *text)
{
	FILE *file = fopen(keys_path, "w");

	ck_assert_ptr_nonnull(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_auth_keys.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(conf_path, sizeof(conf_path), "%s/postern.conf", folder);
	(void)snprintf(keys_path, sizeof(keys_path), "%s/keys.json", folder);
	write_keys(JWK);
	log_set_level(LOG_LEVEL_ERROR);
	auth = (struct auth){ .server = NULL };
	made = (struct auth_keys){ .keys = NULL };
}

static void teardown(void)
{
	config_unref(&auth.config);
	auth_keys_free(&auth.keys);
	auth_keys_free(&made);
	(void)unlink(keys_path);
	(void)rmdir(folder);
}

static const struct {
	const char *jwt;
	bool is_configured;
	size_t count;
	const char *error;
} sources[] = {
	{ "", false, 0, "" },
	{ "secret = " SECRET, true, 1, "" },
	{ "keys_file = keys.json", true, 1, "" },
	{ "keys_file = keys.json\nsecret = " SECRET, true, 2, "" },
	{ "keys_file = none.json", true, 0, "[jwt] keys_file: " },
	{ "keys_file = none.json\nsecret = " SECRET, true, 1, "[jwt] keys_file: " },
};
START_TEST(reads_the_keys_of_each_source)
	{
		auth.config = config_with(sources[_i].jwt);
		auth_keys_read(auth.config, &made);
		ck_assert_int_eq(auth_keys_configured(auth.config), sources[_i].is_configured);
		ck_assert_uint_eq(jwt_keys_count(made.keys), sources[_i].count);
		ck_assert_msg(strstr(made.err.text, sources[_i].error) == made.err.text, "%s",
			made.err.text);
		ck_assert_int_eq(made.err.text[0] == '\0', sources[_i].error[0] == '\0');
	}
END_TEST

/* One key is in force; then another configuration, or the same one, is applied. */
static const struct {
	const char *old, *new;
	const char *file; /* the content of the file of keys */
	size_t count;	  /* keys in force then */
	bool has_error;
} changes[] = {
	{ "secret = " SECRET, "secret = " SECRET SECRET, JWK, 1, false },
	{ "secret = " SECRET, "keys_file = keys.json", TWO_JWKS, 2, false },
	{ "secret = " SECRET, "keys_file = keys.json", "{ half a fi", 0, true },
	{ "secret = " SECRET, "", JWK, 0, false },
	{ "keys_file = keys.json", "keys_file = keys.json", "{ half a fi", 1, true },
	{ "keys_file = keys.json", "keys_file = keys.json\nissuer = x", "{ half a fi", 1, true },
	{ "keys_file = keys.json", "keys_file = keys.json\nsecret = " SECRET, "{ half a fi", 1,
		true },
	{ "keys_file = keys.json", "keys_file = keys.json", "{\"keys\":[]}", 0, false },
	{ "keys_file = keys.json", "keys_file = keys.json", "{\"keys\":[{\"kty\":\"no\"}]}", 0,
		false },
	{ "keys_file = keys.json", "keys_file = keys.json", "", 1, true },
	{ "keys_file = keys.json", "keys_file = keys.json", TWO_JWKS, 2, false },
};
START_TEST(old_keys_stay_only_while_their_own_source_cannot_be_read)
	{
		const struct config *next = config_with(changes[_i].new);

		auth.config = config_with(changes[_i].old);
		auth_keys_refresh(&auth, true);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		write_keys(changes[_i].file);
		auth_keys_read(next, &made);
		auth_keys_apply(&auth, next, &made);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), changes[_i].count);
		ck_assert_int_eq(auth.keys.err.text[0] != '\0', changes[_i].has_error);
		config_unref(&next);
	}
END_TEST

/* A file of keys fails after keys were read from it; then time passes. */
static const struct {
	const char *file; /* NULL: removed */
	const char *secret;
	int64_t passed; /* ms */
	size_t count;	/* keys in force then */
	bool is_old;
} ends[] = {
	{ NULL, "", 0, 1, true },
	{ NULL, "", 3000, 1, true },
	{ NULL, "", 5000, 0, false },
	{ NULL, "", 3600000, 0, false },
	{ NULL, "secret = " SECRET, 3000, 2, true },
	{ NULL, "secret = " SECRET, 5000, 1, false },
	{ "", "", 3000, 1, true },
	{ " \n", "", 5000, 0, false },
	{ "{ half a fi", "", 5000, 1, true },
	{ "{ half a fi", "", 3590000, 1, true },
	{ "{ half a fi", "", 3600000, 0, false },
	{ "{ half a fi", "secret = " SECRET, 3590000, 2, true },
	{ "{ half a fi", "secret = " SECRET, 3600000, 1, false },
	{ "no keys", "", 3600000, 0, false },
	{ "{\"keys\":[]}", "", 0, 0, false },
	{ "{\"keys\":[]}", "secret = " SECRET, 0, 1, false },
};
START_TEST(keys_of_a_file_that_fails_end_in_time)
	{
		char jwt[128];

		(void)snprintf(jwt, sizeof(jwt), "keys_file = keys.json\n%s", ends[_i].secret);
		auth.config = config_with(jwt);
		auth_keys_refresh(&auth, true);
		if (ends[_i].file == NULL)
			ck_assert_int_eq(unlink(keys_path), 0);
		else
			write_keys(ends[_i].file);
		auth_keys_refresh(&auth, false);
		if (auth.keys.failed_since != 0)
			auth.keys.failed_since -= ends[_i].passed;
		if (auth.keys.gone_since != 0)
			auth.keys.gone_since -= ends[_i].passed;
		for (int i = 0; i < 2; i++) {
			auth_keys_refresh(&auth, i == 1);
			ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), ends[_i].count);
			ck_assert_int_eq(auth.keys.is_old, ends[_i].is_old);
		}
		write_keys(TWO_JWKS);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys),
			ends[_i].secret[0] == '\0' ? 2 : 3);
		ck_assert(!auth.keys.is_old);
	}
END_TEST

/* A file that was unreadable and is then removed ends its keys within seconds, and a file that is
 * gone for moments again and again within the hour. */
START_TEST(both_bounds_hold_together)
	{
		auth.config = config_with("keys_file = keys.json");
		auth_keys_refresh(&auth, true);
		write_keys("{ half a fi");
		auth_keys_refresh(&auth, false);
		auth.keys.failed_since -= 1800000;
		ck_assert_int_eq(unlink(keys_path), 0);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		ck_assert_int_ne(auth.keys.gone_since, 0);
		write_keys("{ half a fi");
		auth_keys_refresh(&auth, false);
		ck_assert_int_eq(auth.keys.gone_since, 0);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		auth.keys.failed_since -= 1800000;
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 0);
		ck_assert_ptr_null(auth.keys.keys);
	}
END_TEST

START_TEST(reads_the_file_again_only_when_it_has_changed)
	{
		const struct jwt_keys *first;

		auth.config = config_with("keys_file = keys.json");
		auth_keys_refresh(&auth, true);
		first = auth.keys.keys;
		ck_assert_uint_eq(jwt_keys_count(first), 1);
		auth.keys.is_unsure = false; /* as after some seconds */
		auth_keys_refresh(&auth, false);
		ck_assert_ptr_eq(auth.keys.keys, first);
		write_keys(TWO_JWKS);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 2);
		ck_assert_int_eq(unlink(keys_path), 0);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 2);
		ck_assert_ptr_nonnull(strstr(auth.keys.err.text, "keys.json"));
		write_keys(JWK);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		ck_assert_str_eq(auth.keys.err.text, "");
	}
END_TEST

/* The clock of a file system advances in steps. */
START_TEST(a_file_that_changes_twice_in_one_step_is_read_again)
	{
		auth.config = config_with("keys_file = keys.json");
		auth_keys_refresh(&auth, true);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		write_keys(TWO_JWKS);
		ck_assert_int_eq(file_stamp(keys_path, &auth.keys.stamp, NULL), 0);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 2);
	}
END_TEST

/* Whether calls that look at the file of keys hang, as on a file system whose server is gone, and
 * how many do. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards both */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool hangs;
static unsigned hung;

int stat(const char *restrict looked_at, struct stat *restrict st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = dlsym(RTLD_NEXT, "stat");
	(void)pthread_mutex_lock(&lock);
	if (hangs && strcmp(looked_at, keys_path) == 0) {
		hung++;
		(void)pthread_cond_broadcast(&changed);
		while (hangs)
			(void)pthread_cond_wait(&changed, &lock);
	}
	(void)pthread_mutex_unlock(&lock);
	return real(looked_at, st);
}

static void set_hangs(bool to)
{
	(void)pthread_mutex_lock(&lock);
	hangs = to;
	hung = 0;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void wait_hung(void)
{
	(void)pthread_mutex_lock(&lock);
	while (hung == 0)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}

static struct auth_service service;
static nlink_t threads; /* before the service began */

static nlink_t count_threads(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/task", &st), 0);
	return st.st_nlink;
}

static void begin_service(void)
{
	char text[160];

	threads = count_threads();
	(void)snprintf(text, sizeof(text), "[jwt]\nkeys_file = %s\n", keys_path);
	auth_service_new(&service, text);
	auth_service_publish(&service);
}

/* Let the file system answer, and wait for the thread that has waited for it. */
static void end_service(void)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	auth_service_free(&service);
	set_hangs(false);
	for (int i = 0; i < 10000 && count_threads() > threads; i++)
		(void)nanosleep(&pause, NULL);
}

START_TEST(a_file_system_that_does_not_answer_delays_no_login)
	{
		static const char login[] =
			"AUTH\t1\tPLAIN\tsecured\trip=192.0.2.7\tresp=AGJvYgBwYTU1d29yZA==\n";
		int client;

		begin_service();
		auth_service_run(&service);
		set_hangs(true);
		wait_hung();
		client = auth_service_connect(&service, AUTH_SOCKET_DOVECOT);
		while (strcmp(auth_service_line(client), "DONE") != 0)
			;
		auth_service_send(client, login, strlen(login));
		ck_assert_str_eq(auth_service_line(client), "OK\t1\tuser=bob");
		(void)close(client);
		end_service();
	}
END_TEST

START_TEST(keys_whose_file_system_does_not_answer_stay_with_an_error)
	{
		const struct timespec pause = { .tv_nsec = 2000000 };
		struct auth *own;

		begin_service();
		own = service.auth;
		set_hangs(true);
		auth_keys_follow(own);
		wait_hung();
		auth_keys_follow(own);
		ck_assert_int_eq(own->keys.failed_since, 0); /* it has some seconds */
		own->follower.late_ms = 0;
		auth_keys_follow(own);
		ck_assert_ptr_nonnull(strstr(own->keys.err.text, "does not answer"));
		ck_assert(own->keys.is_old);
		ck_assert_uint_eq(jwt_keys_count(own->keys.keys), 1);
		own->keys.failed_since -= 3600000;
		auth_keys_follow(own);
		ck_assert_uint_eq(jwt_keys_count(own->keys.keys), 0);
		ck_assert_uint_eq(hung, 1); /* one thread waits */
		own->follower.late_ms = INT64_MAX;
		set_hangs(false);
		for (int i = 0; i < 10000 && own->keys.failed_since != 0; i++) {
			auth_keys_follow(own);
			(void)nanosleep(&pause, NULL);
		}
		ck_assert_str_eq(own->keys.err.text, "");
		ck_assert_uint_eq(jwt_keys_count(own->keys.keys), 1);
		end_service();
	}
END_TEST

START_TEST(a_look_with_an_old_configuration_is_abandoned)
	{
		const struct config *next = config_with("secret = " SECRET);

		begin_service();
		set_hangs(true);
		auth_keys_follow(service.auth);
		wait_hung();
		auth_keys_read(next, &made);
		auth_keys_apply(service.auth, next, &made);
		config_unref(&service.auth->config);
		service.auth->config = next;
		auth_keys_follow(service.auth);
		ck_assert_ptr_null(service.auth->follower.look);
		ck_assert_str_eq(service.auth->keys.err.text, "");
		ck_assert_uint_eq(jwt_keys_count(service.auth->keys.keys), 1);
		end_service();
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_keys");
	TCase *tcase = tcase_create("auth_keys");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, reads_the_keys_of_each_source, 0, COUNT(sources));
	tcase_add_loop_test(tcase, old_keys_stay_only_while_their_own_source_cannot_be_read, 0,
		COUNT(changes));
	tcase_add_loop_test(tcase, keys_of_a_file_that_fails_end_in_time, 0, COUNT(ends));
	tcase_add_test(tcase, both_bounds_hold_together);
	tcase_add_test(tcase, reads_the_file_again_only_when_it_has_changed);
	tcase_add_test(tcase, a_file_that_changes_twice_in_one_step_is_read_again);
	tcase_add_test(tcase, a_file_system_that_does_not_answer_delays_no_login);
	tcase_add_test(tcase, keys_whose_file_system_does_not_answer_stay_with_an_error);
	tcase_add_test(tcase, a_look_with_an_old_configuration_is_abandoned);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN_ALONE(make_suite)
