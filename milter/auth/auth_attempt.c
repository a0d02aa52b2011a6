#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "milter/auth/auth_private.h"
#include "milter/log/decision.h"
#include "milter/log/events.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

/*
 * Work that has waited for so long is not begun any more: its answer would come too late for the
 * MTA (Postfix gives up at 10 s), and others wait behind it.
 */
#define WAIT_MAX_MS 4000
#define ATTEMPTS_MAX 8192 /* that are decided or held back at once */
#define STARTING_MS 5000  /* of a daemon that may not have its first policy yet */
#define RETRY_MS 50
#define WORKER_NICE 2 /* remembered logins, in the server thread, go first */

struct attempt {
	LIST_ENTRY(attempt) link;
	struct auth *auth;
	struct attempt **handle; /* NULL: cancelled */
	attempt_done *done;
	void *context;

	/* What a worker reads; nobody changes it meanwhile. */
	struct attempt_request request; /* its texts are ours */
	char mechanism[32];		/* cut, for the log alone */
	struct policy *policy;
	struct jwt_keys *keys;
	struct auth_settings *settings;
	int64_t arrival; /* clock_ms() */

	struct login_answer answer; /* the worker's until it is handed back */
	uint32_t delay;		    /* ms from the arrival */
	struct event *timer;
};

static void wipe(const char *text)
{
	char *own = (char *)(uintptr_t)text; /* a copy of ours */

	if (own != NULL)
		explicit_bzero(own, strlen(own));
	free(own);
}

static void attempt_free(struct attempt *attempt)
{
	LIST_REMOVE(attempt, link);
	attempt->auth->attempt_count--;
	if (attempt->timer != NULL)
		event_free(attempt->timer);
	wipe(attempt->request.login);
	wipe(attempt->request.secret);
	policy_unref(&attempt->policy);
	jwt_keys_unref(&attempt->keys);
	auth_settings_unref(&attempt->settings);
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
 * client stands before what the client says of itself: etc/fail2ban reads it there. A counted
 * failure is one of credentials; one of policy is none that an address should be banned for.
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
	quote_add(&line, "client", client[0] == '\0' ? "unknown" : client);
	quote_add(&line, "protocol", request->protocol);
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

/* For `posternctl tail`. */
static void tell_followers(const struct attempt *attempt)
{
	const struct login_answer *answer = &attempt->answer;
	const struct decision decision = {
		.session = "auth",
		.client = attempt->request.client,
		.login = answer->login[0] != '\0' ? answer->login : attempt->request.login,
		.stage = "auth",
		.verdict = verdicts[answer->result],
		.rule = answer->reason,
		.policy = attempt->policy == NULL ? 0 : policy_serial(attempt->policy),
	};

	if (events_wanted())
		decision_tell(&decision);
}

/* ---- the end ---------------------------------------------------------------------- */

static void deliver(struct attempt *attempt)
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
	deliver(context);
}

/* Count, remember, log. */
static void account(struct attempt *attempt)
{
	struct auth *auth = attempt->auth;
	const struct attempt_request *request = &attempt->request;
	const struct login_answer *answer = &attempt->answer;
	const uint32_t now = (uint32_t)(clock_ms() / 1000);

	switch (answer->result) {
	case LOGIN_ACCEPTED:
		auth->accepted++;
		auth->cached += answer->is_cached;
		if (answer->hash != NULL)
			auth_cache_add(auth->auth_cache,
				&(struct auth_cache_login){ answer->login, answer->hash,
					request->secret },
				now);
		penalty_succeeded(auth->penalty, &request->client, request->login, now);
		break;
	case LOGIN_REFUSED:
		auth->refused++;
		if (answer->cause == CAUSE_CREDENTIALS)
			attempt->delay = penalty_failed(auth->penalty, &request->client,
				request->login, now);
		break;
	default:
		auth->undecided++;
	}
	log_attempt(attempt);
	tell_followers(attempt);
}

/* It is decided: answer now, or when the failures before it say so. */
static void finish(struct attempt *attempt)
{
	int64_t left;
	struct timeval wait;

	account(attempt);
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
	deliver(attempt);
}

/* ---- deciding ----------------------------------------------------------------------- */

static void check(struct attempt *attempt, bool may_work)
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
			.issuer = attempt->settings->issuer,
			.audience = attempt->settings->audience,
			.mail_claim = attempt->settings->mail_claim,
		},
		.suspensions = shared_suspensions(attempt->auth->shared),
		.auth_cache = may_work ? NULL : attempt->auth->auth_cache,
		.now = time(NULL),
		.ticks = (uint32_t)(clock_ms() / 1000),
		.may_work = may_work,
	};

	login_check(&rules, &request, &attempt->answer);
}

static void undecided(struct attempt *attempt, const char *why)
{
	attempt->answer = (struct login_answer){ .result = LOGIN_UNDECIDED };
	memcpy(attempt->answer.reason, why, strlen(why) + 1);
}

/* In the server thread again. */
static void on_worked(void *argument)
{
	finish(argument);
}

/* In a worker. */
static void work(void *argument)
{
	static _Thread_local bool is_nice;
	struct attempt *attempt = argument;

	if (!is_nice) {
		(void)setpriority(PRIO_PROCESS, 0, WORKER_NICE); /* of Linux: this thread's */
		is_nice = true;
	}
	if (clock_ms() - attempt->arrival > WAIT_MAX_MS)
		undecided(attempt, "too many logins at once");
	else
		check(attempt, true);
	(void)server_call(attempt->auth->server, on_worked, attempt); /* else it ends with all */
}

static void decide(struct attempt *attempt);

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct attempt *attempt = context;

	(void)fd;
	(void)what;
	event_free(attempt->timer);
	attempt->timer = NULL;
	attempt->policy = snapshot_get(shared_snapshot(attempt->auth->shared));
	decide(attempt);
}

/* A daemon that has just started is about to have a policy: better a moment than a 454. */
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

static void decide(struct attempt *attempt)
{
	const struct work piece = { .run = work, .argument = attempt };

	if (wait_for_policy(attempt))
		return;
	check(attempt, false);
	if (attempt->answer.result == LOGIN_NEEDS_WORK) {
		if (workers_add(attempt->auth->workers, &piece) == 0)
			return;
		undecided(attempt, "too many logins at once");
	}
	finish(attempt);
}

void attempt_begin(struct auth *auth, const struct attempt_request *request, attempt_done *done,
	void *context, struct attempt **handle_r)
{
	const struct login_answer failed = { .result = LOGIN_UNDECIDED };
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	*handle_r = NULL;
	if (attempt == NULL || auth->attempt_count >= ATTEMPTS_MAX) {
		auth->undecided++;
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
	(void)snprintf(attempt->mechanism, sizeof(attempt->mechanism), "%.31s", request->mechanism);
	attempt->request.mechanism = attempt->mechanism;
	attempt->policy = snapshot_get(shared_snapshot(auth->shared));
	attempt->keys = jwt_keys_ref(auth->keys.keys);
	attempt->settings = auth_settings_ref(auth->settings);
	attempt->arrival = clock_ms();
	if (attempt->request.login == NULL || attempt->request.secret == NULL) {
		*handle_r = NULL;
		attempt_free(attempt);
		done(context, &failed);
	} else if (request->refusal != NULL) {
		attempt->answer =
			(struct login_answer){ .result = LOGIN_REFUSED, .cause = request->cause };
		(void)snprintf(attempt->answer.reason, sizeof(attempt->answer.reason), "%.199s",
			request->refusal);
		attempt->request.refusal = NULL;
		finish(attempt);
	} else {
		decide(attempt);
	}
}
