/*
 * The decision of one login: from the auth cache or a worker, then counted, logged, and answered at
 * once or after its auth penalty. It owns the attempts and runs on the server thread, except
 * check_in_worker().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/base/text.h"
#include "milter/auth/auth_private.h"
#include "milter/log/decision_record.h"
#include "milter/log/events.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

/*
 * A login that has waited this long for a worker is not checked any more: its answer would come too
 * late for the MTA (Postfix gives up after 10 s), and others wait behind it.
 */
#define WAIT_MAX_MS 4000
#define ATTEMPTS_MAX 8192 /* being decided or held back at once */
#define STARTING_MS 5000  /* how long a new daemon may still lack its first policy */
#define RETRY_MS 50
#define WORKER_NICE 2 /* the server thread, which answers from the auth cache, goes first */

/*
 * From workers_add() until on_checked(), a worker reads the second group of members and writes the
 * answer. Meanwhile the server thread may only cancel the attempt, which touches the first group,
 * and link others beside it.
 */
struct attempt {
	LIST_ENTRY(attempt) link;
	struct auth *auth;	 /* constant; a worker uses its server and shared */
	struct attempt **handle; /* NULL: cancelled */
	attempt_done *done;
	void *context;

	struct attempt_request request; /* with copies of its texts */
	char mechanism[32];		/* truncated, for the log and the counts */
	struct policy *policy;
	struct jwt_keys *keys;
	const struct config *config;
	int64_t arrival; /* clock_ms() */

	struct login_answer answer;
	uint32_t delay; /* ms from the arrival */
	struct event *timer;
};

static void free_secret(const char *text)
{
	char *copy = (char *)(uintptr_t)text; /* made by attempt_begin() */

	if (copy != NULL)
		explicit_bzero(copy, strlen(copy));
	free(copy);
}

static void attempt_free(struct attempt *attempt)
{
	LIST_REMOVE(attempt, link);
	attempt->auth->attempt_count--;
	if (attempt->timer != NULL)
		event_free(attempt->timer);
	free_secret(attempt->request.login);
	free_secret(attempt->request.secret);
	policy_unref(&attempt->policy);
	jwt_keys_unref(&attempt->keys);
	config_unref(&attempt->config);
	free(attempt);
}

void attempts_free(struct auth *auth)
{
	struct attempt *attempt, *next;

	for (attempt = LIST_FIRST(&auth->attempts); attempt != NULL; attempt = next) {
		next = LIST_NEXT(attempt, link);
		attempt_free(attempt);
	}
}

void attempt_cancel(struct attempt **handle)
{
	if (*handle != NULL)
		(*handle)->handle = NULL;
	*handle = NULL;
}

/* ---- logging --------------------------------------------------------------------- */

static const char *const verdicts[] = {
	[LOGIN_ACCEPTED] = "accept",
	[LOGIN_REFUSED] = "reject",
	[LOGIN_UNDECIDED] = "tempfail",
};

/*
 * Wrong credentials and refusals by policy have different causes, because only the former should
 * get an address banned. The filter in etc/fail2ban relies on the order of the keys: values that a
 * client can choose follow its address.
 */
static void log_attempt(const struct attempt *attempt)
{
	const struct attempt_request *request = &attempt->request;
	const struct login_answer *answer = &attempt->answer;
	struct strbuf line = STRBUF_INIT;
	char client[CIDR_TEXT_SIZE];

	cidr_format(&request->client, client);
	quote_add(&line, "stage", "auth");
	quote_add(&line, "verdict", verdicts[answer->result]);
	if (answer->result == LOGIN_REFUSED)
		quote_add(&line, "cause",
			answer->cause == CAUSE_CREDENTIALS ? "credentials" : "policy");
	if (client[0] != '\0')
		quote_add(&line, request->is_client_claimed ? "client_claimed" : "client", client);
	quote_add(&line, "protocol", auth_protocol_name(request->protocol));
	quote_add(&line, "mechanism", request->mechanism);
	quote_add(&line, "login", answer->login[0] != '\0' ? answer->login : request->login);
	if (answer->reason[0] != '\0')
		quote_add(&line, "rule", answer->reason);
	if (answer->is_cached)
		quote_add(&line, "remembered", "yes");
	if (attempt->delay > 0)
		quote_add_number(&line, "delay-ms", attempt->delay);
	quote_add_number(&line, "policy",
		attempt->policy == NULL ? 0 : policy_serial(attempt->policy));
	if (!line.failed)
		log_line(LOG_LEVEL_INFO, line.text, line.len);
	strbuf_free(&line);
}

/* Report the decision to `posternctl tail`. */
static void send_event(const struct attempt *attempt)
{
	const struct login_answer *answer = &attempt->answer;
	const struct decision_record decision = {
		.session = "auth",
		.client = attempt->request.client,
		.login = answer->login[0] != '\0' ? answer->login : attempt->request.login,
		.stage = "auth",
		.verdict = verdicts[answer->result],
		.rule = answer->reason,
		.policy = attempt->policy == NULL ? 0 : policy_serial(attempt->policy),
	};

	if (events_wanted())
		decision_record_add_event(&decision);
}

/* ---- the end ---------------------------------------------------------------------- */

static void deliver_answer(struct attempt *attempt)
{
	const struct login_answer answer = attempt->answer;
	attempt_done *done = attempt->handle == NULL ? NULL : attempt->done;
	void *context = attempt->context;

	if (attempt->handle != NULL)
		*attempt->handle = NULL;
	attempt_free(attempt);
	if (done != NULL)
		done(context, &answer);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	deliver_answer(context);
}

/* Count the result, update the auth cache and the auth penalty, and log it. */
static void record_result(struct attempt *attempt)
{
	struct auth *auth = attempt->auth;
	const struct attempt_request *request = &attempt->request;
	const struct login_answer *answer = &attempt->answer;
	const uint32_t now = (uint32_t)(clock_ms() / 1000);

	auth_counts_add(auth->counts, request->protocol, request->mechanism, answer);
	switch (answer->result) {
	case LOGIN_ACCEPTED:
		if (answer->hash != NULL)
			auth_cache_add(auth->auth_cache,
				&(struct auth_cache_login){ answer->login, answer->hash,
					request->secret },
				now);
		penalty_succeeded(auth->penalty, &request->client, request->login, now);
		break;
	case LOGIN_REFUSED:
		if (answer->cause == CAUSE_CREDENTIALS)
			attempt->delay = penalty_failed(auth->penalty, &request->client,
				request->login, now);
		break;
	default:
		break;
	}
	log_attempt(attempt);
	send_event(attempt);
}

/* Answer a decided attempt now, or after its auth penalty. */
static void conclude_attempt(struct attempt *attempt)
{
	int64_t left;
	struct timeval wait;

	record_result(attempt);
	if (attempt->timer != NULL)
		event_free(attempt->timer);
	attempt->timer = NULL;
	left = attempt->arrival + attempt->delay - clock_ms();
	if (left > 0) {
		wait = (struct timeval){ .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
		attempt->timer =
			event_new(server_base(attempt->auth->server), -1, 0, on_timer, attempt);
		if (attempt->timer != NULL && event_add(attempt->timer, &wait) == 0)
			return;
	}
	deliver_answer(attempt);
}

/* ---- deciding ----------------------------------------------------------------------- */

static void check_attempt(struct attempt *attempt, bool may_work)
{
	const struct login_request request = {
		.login = attempt->request.login,
		.secret = attempt->request.secret,
		.is_bearer = attempt->request.is_bearer,
		.is_mute = attempt->request.is_mute,
	};
	const struct login_rules rules = {
		.policy = attempt->policy,
		.jwt = {
			.keys = attempt->keys,
			.issuer = attempt->config->jwt.issuer,
			.audience = attempt->config->jwt.audience,
			.mail_claim = attempt->config->jwt.mail_claim,
		},
		.suspensions = shared_suspensions(attempt->auth->shared),
		.auth_cache = may_work ? NULL : attempt->auth->auth_cache,
		.now = time(NULL),
		.ticks = (uint32_t)(clock_ms() / 1000),
		.may_work = may_work,
	};

	login_check(&rules, &request, &attempt->answer);
}

static void set_undecided(struct attempt *attempt, const char *why)
{
	attempt->answer = (struct login_answer){ .result = LOGIN_UNDECIDED };
	memcpy(attempt->answer.reason, why, strlen(why) + 1);
}

/* Runs on the server thread. */
static void on_checked(void *argument)
{
	conclude_attempt(argument);
}

/* Runs on a worker. */
static void check_in_worker(void *argument)
{
	static _Thread_local bool is_nice;
	struct attempt *attempt = argument;

	if (!is_nice) {
		(void)setpriority(PRIO_PROCESS, 0, WORKER_NICE); /* on Linux: of this thread */
		is_nice = true;
	}
	if (clock_ms() - attempt->arrival > WAIT_MAX_MS)
		set_undecided(attempt, "too many logins at once");
	else
		check_attempt(attempt, true);
	/* If the server is ending, attempts_free() frees the attempt. */
	(void)server_call(attempt->auth->server, on_checked, attempt);
}

static void decide_attempt(struct attempt *attempt);

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct attempt *attempt = context;

	(void)fd;
	(void)what;
	event_free(attempt->timer);
	attempt->timer = NULL;
	attempt->policy = snapshot_get(shared_snapshot(attempt->auth->shared));
	decide_attempt(attempt);
}

/* A daemon that has just started will have a policy soon. Returns whether the attempt waits for it.
 */
static bool wait_for_policy(struct attempt *attempt)
{
	const struct timeval pause = { .tv_usec = RETRY_MS * 1000L };
	const int64_t now = clock_ms();

	if (attempt->policy != NULL || now - attempt->auth->started > STARTING_MS ||
		now - attempt->arrival > WAIT_MAX_MS)
		return false;
	attempt->timer = event_new(server_base(attempt->auth->server), -1, 0, on_retry, attempt);
	return attempt->timer != NULL && event_add(attempt->timer, &pause) == 0;
}

static void decide_attempt(struct attempt *attempt)
{
	const struct work piece = { .run = check_in_worker, .argument = attempt };

	if (wait_for_policy(attempt))
		return;
	check_attempt(attempt, false);
	if (attempt->answer.result == LOGIN_NEEDS_WORK) {
		if (workers_add(attempt->auth->workers, &piece) == 0)
			return;
		set_undecided(attempt, "too many logins at once");
	}
	conclude_attempt(attempt);
}

void attempt_begin(struct auth *auth, const struct attempt_request *request, attempt_done *done,
	void *context, struct attempt **handle_r)
{
	const struct login_answer failed = { .result = LOGIN_UNDECIDED };
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	*handle_r = NULL;
	if (attempt == NULL || auth->attempt_count >= ATTEMPTS_MAX) {
		auth_counts_add(auth->counts, request->protocol, request->mechanism, &failed);
		free(attempt);
		done(context, &failed);
		return;
	}
	LIST_INSERT_HEAD(&auth->attempts, attempt, link);
	auth->attempt_count++;
	attempt->auth = auth;
	attempt->handle = handle_r;
	*handle_r = attempt;
	attempt->done = done;
	attempt->context = context;
	attempt->request = *request;
	attempt->request.login = strdup(request->login);
	attempt->request.secret = strdup(request->secret);
	(void)text_format(attempt->mechanism, sizeof(attempt->mechanism), "%.*s",
		TEXT_CUT(request->mechanism, 31));
	attempt->request.mechanism = attempt->mechanism;
	attempt->policy = snapshot_get(shared_snapshot(auth->shared));
	attempt->keys = jwt_keys_ref(auth->keys.keys);
	attempt->config = config_ref(auth->config);
	attempt->arrival = clock_ms();
	if (attempt->request.login == NULL || attempt->request.secret == NULL) {
		auth_counts_add(auth->counts, request->protocol, request->mechanism, &failed);
		*handle_r = NULL;
		attempt_free(attempt);
		done(context, &failed);
	} else if (request->refusal != NULL) {
		attempt->answer =
			(struct login_answer){ .result = LOGIN_REFUSED, .cause = request->cause };
		(void)text_format(attempt->answer.reason, sizeof(attempt->answer.reason), "%.*s",
			TEXT_CUT(request->refusal, 199));
		attempt->request.refusal = NULL;
		conclude_attempt(attempt);
	} else {
		decide_attempt(attempt);
	}
}
