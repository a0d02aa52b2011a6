/*
 * The judge of the command explain: the policy of the files, or the running daemon. Owns what it
 * has loaded. One thread. t/integration/test_control.py covers it.
 */
#include "ctl/explain_judge.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ctl/control_client.h"
#include "lib/base/print.h"
#include "lib/decide/explain.h"
#include "lib/store/policy_files.h"
#include "lib/store/suspensions_file.h"
#include "lib/store/token_keys.h"

struct explain_judge {
	/* Of the files; otherwise NULL: */
	const struct config *config;
	struct policy *policy;
	struct jwt_keys *keys; /* NULL: none, or they cannot be read */
	struct suspensions *suspensions;
	struct regex_scratch *scratch;
	struct control_client *daemon; /* else NULL */
	size_t asked;		       /* sessions so far, by the files */
	struct files_rows rows;
	struct errmsg unknown; /* why the files do not show what applies to a login; "": they do */
};

static uint64_t read_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t passed_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

static uint64_t used_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static const struct regex_clock regex_clock = { passed_ns, used_ns };

void explain_judge_close(struct explain_judge **judge)
{
	struct explain_judge *gone = *judge;

	*judge = NULL;
	if (gone == NULL)
		return;
	policy_unref(&gone->policy);
	jwt_keys_unref(&gone->keys);
	suspensions_free(&gone->suspensions);
	config_unref(&gone->config);
	regex_scratch_free(&gone->scratch);
	control_client_close(&gone->daemon);
	free(gone);
}

static void print_warnings(const struct problems *problems)
{
	size_t i;

	for (i = 0; i < problems_kept(problems); i++)
		print_line(stderr, "posternctl: warning: %s", problems_text(problems, i));
}

#define ASK_THE_DAEMON "use --running to ask the daemon"

/* If the store that the configuration names does not exist, the daemon may have users nevertheless:
 * it keeps the rows of a store that it has read. */
static void check_store(struct explain_judge *judge)
{
	struct problems *problems = problems_new();

	if (problems == NULL) {
		(void)errmsg_set(&judge->unknown, "out of memory");
		return;
	}
	policy_check_store(judge->config, problems, problems);
	if (problems_kept(problems) > 0)
		(void)errmsg_set(&judge->unknown, "%s; " ASK_THE_DAEMON,
			problems_text(problems, 0));
	problems_free(&problems);
}

/* Find out whether the files show the users of the daemon. */
static void check_users(struct explain_judge *judge)
{
	const char *path = judge->config->store.path;

	if (judge->rows.users == FILES_USERS_NONE)
		check_store(judge);
	if (judge->rows.users != FILES_USERS_UNKNOWN)
		return;
	if (path[0] == '\0')
		(void)errmsg_set(&judge->unknown,
			"the users are in the database, and no copy of them is kept ([store] path is "
			"empty); " ASK_THE_DAEMON);
	else
		(void)errmsg_set(&judge->unknown,
			"the users are in the database, and there is no copy of them in %s; " ASK_THE_DAEMON,
			path);
}

/* Without the keys, tokens cannot be checked; everything else can. */
static void load_keys(struct explain_judge *judge, struct problems *problems)
{
	const struct config_jwt *jwt = &judge->config->jwt;
	struct errmsg err;

	if (jwt->secret[0] == '\0' && jwt->keys_file[0] == '\0')
		return;
	if (token_keys_load(jwt->keys_file, jwt->secret, judge->config->user, &judge->keys,
		    problems, &err) != TOKEN_KEYS_LOADED)
		problems_add(problems, "%s", err.text);
}

/* If the file cannot be read, it is unknown whether a login is suspended. */
static void load_suspensions(struct explain_judge *judge)
{
	struct errmsg err = { "out of memory" };

	judge->suspensions = suspensions_new();
	if (judge->suspensions == NULL ||
		suspensions_load(judge->config->auth.suspensions, judge->suspensions, &err) != 0)
		(void)errmsg_set(&judge->unknown,
			"the suspended logins cannot be read: %s; " ASK_THE_DAEMON, err.text);
}

/* Load the files. EX_OK, or an exit code with err set. */
static int load_files(struct explain_judge *judge, const struct ctl *ctl, struct problems *problems,
	struct errmsg *err)
{
	if (config_load(ctl->config_path, &judge->config, err) != 0 ||
		policy_from_files(judge->config, &judge->policy, &judge->rows, problems, err) != 0)
		return EX_CONFIG;
	if ((judge->scratch = regex_scratch_new(&regex_clock)) == NULL) {
		(void)errmsg_set(err, "out of memory");
		return EX_OSERR;
	}
	load_keys(judge, problems);
	load_suspensions(judge);
	check_users(judge);
	return EX_OK;
}

int explain_judge_open(const struct ctl *ctl, bool running, struct explain_judge **judge_r)
{
	struct explain_judge *judge = calloc(1, sizeof(*judge));
	struct problems *problems = problems_new();
	struct errmsg err = { "out of memory" };
	int status = EX_OSERR;

	if (judge != NULL && problems != NULL)
		status = running ? control_client_open(ctl, &judge->daemon, &err) :
				   load_files(judge, ctl, problems, &err);
	if (status != EX_OK)
		print_line(stderr, "posternctl: %s", err.text);
	if (status == EX_CONFIG && judge->config != NULL)
		print_line(stderr, "posternctl: with --running, the daemon decides");
	else if (problems != NULL)
		print_warnings(problems);
	problems_free(&problems);
	if (status == EX_OK)
		*judge_r = judge;
	else
		explain_judge_close(&judge);
	return status;
}

/* Return whether the session has a login, which may be one to be checked. */
static bool has_login(json_t *session)
{
	json_t *login = json_object_get(session, "login"), *auth = json_object_get(session, "auth");

	return (login != NULL && !json_is_null(login)) || (auth != NULL && !json_is_null(auth));
}

/* Add the age of the copy that the answer is based on. Returns 0, or -1 with err set. */
static int add_users(const struct explain_judge *judge, json_t *answer, struct errmsg *err)
{
	const json_int_t written = (json_int_t)judge->rows.written;
	const json_int_t now = (json_int_t)time(NULL);
	json_t *users;

	if (judge->rows.users != FILES_USERS_COPY)
		return 0;
	users = json_pack("{s:s, s:s, s:o, s:o}", "source", "copy", "path",
		judge->config->store.path, "written_at",
		written == 0 ? json_null() : json_integer(written), "age_seconds",
		written == 0 ? json_null() : json_integer(now > written ? now - written : 0));
	return json_object_set_new(answer, "users", users) == 0 ? 0 :
								  errmsg_set(err, "out of memory");
}

/* Decide by the files. CTL_OK, or an exit code with err set. */
static int judge_by_files(struct explain_judge *judge, json_t *session, json_t **answer_r,
	struct errmsg *err)
{
	const struct explain_ledger none = { .ledger = NULL }; /* only the daemon has the counts */
	struct login_rules rules = {
		.policy = judge->policy,
		.suspensions = judge->suspensions,
		.now = time(NULL),
		.jwt = token_keys_rules(&judge->config->jwt, judge->keys),
	};

	if (judge->unknown.text[0] != '\0' && has_login(session)) {
		*err = judge->unknown;
		return EX_NOINPUT;
	}
	if (judge->asked++ == EXPLAIN_MANY)
		explain_prepare(judge->policy);
	if (explain_session(&rules, &none, NULL, judge->scratch, session, answer_r, err) != 0)
		return EX_DATAERR;
	if (add_users(judge, *answer_r, err) == 0)
		return CTL_OK;
	json_decref(*answer_r);
	*answer_r = NULL;
	return EX_OSERR;
}

int explain_judge_ask(struct explain_judge *judge, json_t *session, json_t **answer_r,
	struct errmsg *err)
{
	json_t *reply = NULL, *answer;
	int ret;

	if (judge->daemon == NULL)
		return judge_by_files(judge, session, answer_r, err);
	ret = control_client_ask(judge->daemon,
		json_pack("{s:s, s:O}", "command", "explain", "session", session), &reply, err);
	answer = json_object_get(reply, "answer");
	if (ret == CTL_FAILED) {
		ret = EX_DATAERR;
	} else if (ret == CTL_OK && json_array_size(json_object_get(answer, "steps")) == 0) {
		(void)errmsg_set(err, "the daemon's answer contains no steps");
		ret = CTL_FAILED;
	} else if (ret == CTL_OK) {
		*answer_r = json_incref(answer);
	}
	json_decref(reply);
	return ret;
}
