/*
 * The course of one login: it waits at the gate, waits out its delay, is decided from the auth
 * cache or by a worker, and is recorded and answered. It owns the attempts and runs on the server
 * thread, except check_in_worker().
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/text.h"
#include "lib/base/thread.h"
#include "lib/store/token_keys.h"
#include "milter/auth/auth_private.h"
#include "milter/loop/clock.h"

/*
 * Postfix gives up after 10 s. A login that has not found a place at the gate after WAIT_MAX_MS, or
 * no worker by CHECK_BY_MS after its arrival, is answered with a temporary failure, unless it is
 * patient: with PENALTY_MAX_MS in between, two seconds are left for the check.
 */
#define WAIT_MAX_MS 3500
#define CHECK_BY_MS 8000
#define ATTEMPTS_MAX 8192	       /* inside at once */
#define PATIENT_MAX (ATTEMPTS_MAX / 2) /* of them, over saslauthd */
#define CLAIMED_MAX (ATTEMPTS_MAX / 4) /* of them, through a port that anybody may use */
#define STARTING_MS 5000	       /* how long a new daemon may still lack its first policy */
#define RETRY_MS 50
#define WORKER_NICE 2 /* the server thread, which answers from the auth cache, goes first */

/* How long a worker is kept for known networks after their last login. */
#define RESERVE_MS 60000

static struct attempt *attempt_of_ticket(struct gate_ticket *ticket)
{
	return (struct attempt *)(void *)((char *)ticket - offsetof(struct attempt, ticket));
}

static struct attempt *attempt_of_item(struct fair_item *item)
{
	return (struct attempt *)(void *)((char *)item - offsetof(struct attempt, item));
}

static void free_secret(const char *text)
{
	char *copy = (char *)(uintptr_t)text; /* made by copy_request() */

	if (copy != NULL)
		explicit_bzero(copy, strlen(copy));
	free(copy);
}

static void stop_timer(struct attempt *attempt)
{
	if (attempt->timer != NULL)
		event_free(attempt->timer);
	attempt->timer = NULL;
}

static void attempt_free(struct attempt *attempt)
{
	struct auth *auth = attempt->auth;

	LIST_REMOVE(attempt, link);
	auth->attempt_count--;
	auth->patient_count -= attempt->ticket.is_patient;
	auth->claimed_count -= attempt->request.is_client_claimed;
	fair_queue_remove(auth->queue, &attempt->item);
	if (auth_gate_leave(auth->gate, &attempt->ticket, auth_seconds()))
		event_active(auth->gate_opened, EV_TIMEOUT, 0);
	stop_timer(attempt);
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

static struct login_request login_of(const struct attempt *attempt)
{
	return (struct login_request){ .login = attempt->request.login,
		.secret = attempt->request.secret,
		.is_bearer = attempt->request.is_bearer,
		.is_mute = attempt->request.is_mute };
}

/* ---- the end ---------------------------------------------------------------------- */

/* Record a decided attempt, let it leave the gate, and answer it. */
static void conclude_attempt(struct attempt *attempt)
{
	const struct login_answer answer = attempt->answer;
	attempt_done *done = attempt->handle == NULL ? NULL : attempt->done;
	void *context = attempt->context;

	attempt_record(attempt);
	if (attempt->handle != NULL)
		*attempt->handle = NULL;
	attempt_free(attempt);
	if (done != NULL)
		done(context, &answer);
}

static void conclude_undecided(struct attempt *attempt, const char *why)
{
	attempt->answer = (struct login_answer){ .result = LOGIN_UNDECIDED };
	memcpy(attempt->answer.reason, why, strlen(why) + 1);
	conclude_attempt(attempt);
}

void attempt_cancel(struct attempt **handle)
{
	struct attempt *attempt = *handle;

	*handle = NULL;
	if (attempt == NULL)
		return;
	attempt->handle = NULL;
	if (attempt->ticket.state == GATE_WAITING)
		conclude_undecided(attempt, "the MTA has given up");
}

/* Call on_timer in ms milliseconds. Concludes the attempt when out of memory. */
static void start_timer(struct attempt *attempt, int64_t ms, event_callback_fn on_timer)
{
	const struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	stop_timer(attempt);
	attempt->timer = event_new(server_base(attempt->auth->server), -1, 0, on_timer, attempt);
	if (attempt->timer == NULL || event_add(attempt->timer, &wait) != 0)
		conclude_undecided(attempt, "out of memory");
}

static void turn_away(struct attempt *attempt)
{
	attempt->auth->turned_away++;
	conclude_undecided(attempt, "too many logins at once");
}

static void on_late(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	turn_away(context);
}

/*
 * No worker is free in time for an attempt that the auth cache has not accepted. Its client knows
 * now that the password is not a remembered one, so that the attempt is checked and counted later.
 */
static void on_late_guess(evutil_socket_t fd, short what, void *context)
{
	const struct login_answer undecided = { .result = LOGIN_UNDECIDED };
	struct attempt *attempt = context;
	struct attempt **handle = attempt->handle;

	(void)fd;
	(void)what;
	attempt->handle = NULL;
	if (handle == NULL)
		return;
	*handle = NULL;
	attempt->auth->turned_away++;
	attempt->done(attempt->context, &undecided);
}

/* ---- checking ----------------------------------------------------------------------- */

/* Use the rules that are in force now, because an attempt may have waited for seconds. */
static void renew_rules(struct attempt *attempt)
{
	const struct auth *auth = attempt->auth;

	policy_unref(&attempt->policy);
	jwt_keys_unref(&attempt->keys);
	config_unref(&attempt->config);
	attempt->policy = snapshot_get(shared_snapshot(auth->shared));
	attempt->keys = jwt_keys_ref(auth->keys.keys);
	attempt->lacks_keys = auth->keys.failed_since != 0;
	attempt->config = config_ref(auth->config);
}

/* Renew the rules for a check, whose result then counts for the row in these rules. */
static void renew_rules_of_check(struct attempt *attempt)
{
	const struct login_request name = login_of(attempt);

	renew_rules(attempt);
	login_set_owner(attempt->policy, &name, &attempt->ticket.keys);
}

static void check_attempt(struct attempt *attempt, struct auth_cache *cache, bool may_work)
{
	const struct login_request request = login_of(attempt);
	const struct login_rules rules = {
		.policy = attempt->policy,
		.jwt = token_keys_rules(&attempt->config->jwt, attempt->keys),
		.lacks_keys = attempt->lacks_keys,
		.suspensions = shared_suspensions(attempt->auth->shared),
		.auth_cache = cache,
		.now = time(NULL),
		.ticks = auth_seconds(),
		.may_work = may_work,
	};

	login_check(&rules, &request, &attempt->answer);
}

static void check_in_worker(void *argument);

static bool gives_way(const struct attempt *attempt)
{
	return attempt->rank > RANK_KNOWN;
}

/* Return the set of ranks for which a worker is idle. None of them has attempts that wait, outside
 * attempts_employ(). */
static unsigned ranks_with_worker(const struct auth *auth)
{
	if (auth->working == auth->worker_count)
		return 0;
	return auth->working_behind + 1 < auth->worker_count ||
			clock_ms() - auth->last_known > RESERVE_MS ?
		~0U :
		1U << RANK_TRUSTED | 1U << RANK_KNOWN;
}

void attempts_employ(struct auth *auth)
{
	struct fair_item *item;
	unsigned ranks;

	while ((ranks = ranks_with_worker(auth)) != 0 &&
		(item = fair_queue_next(auth->queue, ranks)) != NULL) {
		struct attempt *attempt = attempt_of_item(item);
		const struct work piece = { .run = check_in_worker, .argument = attempt };

		stop_timer(attempt);
		renew_rules_of_check(attempt);
		if (workers_add(auth->workers, &piece) != 0) {
			turn_away(attempt);
			continue;
		}
		auth->working++;
		auth->working_behind += gives_way(attempt);
	}
}

/* Runs on the server thread. */
static void on_checked(void *argument)
{
	struct attempt *attempt = argument;
	struct auth *auth = attempt->auth;

	auth->working--;
	auth->working_behind -= gives_way(attempt);
	attempt->is_checked = true;
	conclude_attempt(attempt);
	attempts_employ(auth);
}

/* Runs on a worker. */
static void check_in_worker(void *argument)
{
	static _Thread_local bool is_nice;
	struct attempt *attempt = argument;

	if (!is_nice) {
		thread_give_way(WORKER_NICE);
		is_nice = true;
	}
	check_attempt(attempt, NULL, true);
	/* If the server is ending, attempts_free() frees the attempt. */
	(void)server_call(attempt->auth->server, on_checked, attempt);
}

static enum auth_rank rank_of(const struct attempt *attempt)
{
	const struct gate_ticket *ticket = &attempt->ticket;
	const bool is_claimed = attempt->request.is_client_claimed;
	const struct penalty_view view =
		penalty_view(attempt->auth->penalty, &ticket->keys, auth_seconds());

	if (ticket->is_trusted)
		return is_claimed ? RANK_KNOWN : RANK_TRUSTED;
	if ((ticket->is_known || !ticket->is_slowed) && !is_claimed)
		return RANK_KNOWN;
	if (!ticket->is_patient || ticket->keys.network != 0)
		return RANK_SLOWED;
	return view.has_succeeded ? RANK_MUTE_KNOWN :
		view.has_failed	  ? RANK_MUTE_FAILED :
				    RANK_MUTE;
}

static void queue_for_worker(struct attempt *attempt)
{
	struct auth *auth = attempt->auth;
	const int64_t left = attempt->arrival + CHECK_BY_MS - clock_ms();

	if (!gives_way(attempt))
		auth->last_known = clock_ms();
	if (fair_queue_add(auth->queue, &attempt->item, attempt->rank,
		    auth_gate_flow(&attempt->ticket)) < 0) {
		conclude_undecided(attempt, "out of memory");
		return;
	}
	if (!attempt->ticket.is_patient)
		start_timer(attempt, left > 0 ? left : 0,
			attempt->is_guess ? on_late_guess : on_late);
	attempts_employ(auth);
}

/*
 * Return whether the auth cache may accept the attempt. After a delay it may not, because a right
 * password would be answered sooner than a wrong one. Nor may it when a wrong password would have
 * to wait for a worker and perhaps not get one: that is not counted as a failure, so that the guess
 * would be free. Trusted attempts are checked in the end, and patient ones wait without a limit.
 */
static bool may_use_cache(const struct attempt *attempt)
{
	const struct gate_ticket *ticket = &attempt->ticket;

	return ticket->delay_ms == 0 &&
		(ticket->is_trusted || ticket->is_patient ||
			(ranks_with_worker(attempt->auth) & 1U << attempt->rank) != 0);
}

/* Decide the attempt now, or let a worker do so. */
static void decide_attempt(struct attempt *attempt)
{
	const struct attempt_request *request = &attempt->request;

	if (request->refusal[0] != '\0') {
		attempt->answer =
			(struct login_answer){ .result = LOGIN_REFUSED, .cause = request->cause };
		memcpy(attempt->answer.reason, attempt->refusal, sizeof(attempt->refusal));
		conclude_attempt(attempt);
		return;
	}
	renew_rules_of_check(attempt);
	attempt->rank = rank_of(attempt);
	attempt->is_guess = may_use_cache(attempt);
	check_attempt(attempt, attempt->is_guess ? attempt->auth->auth_cache : NULL, false);
	if (attempt->answer.result == LOGIN_NEEDS_WORK)
		queue_for_worker(attempt);
	else
		conclude_attempt(attempt);
}

/* ---- the gate ---------------------------------------------------------------------- */

static void on_delayed(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	stop_timer(context);
	decide_attempt(context);
}

/* The attempt is under way. */
static void pass_gate(struct attempt *attempt)
{
	stop_timer(attempt);
	if (attempt->ticket.delay_ms > 0)
		start_timer(attempt, attempt->ticket.delay_ms, on_delayed);
	else
		decide_attempt(attempt);
}

void attempts_pass_gate(struct auth *auth)
{
	struct gate_ticket *ticket;

	while ((ticket = auth_gate_next(auth->gate)) != NULL)
		pass_gate(attempt_of_ticket(ticket));
}

/* A malformed exchange is no guess at anybody's password. */
static struct penalty_keys keys_of(const struct attempt *attempt)
{
	const struct attempt_request *request = &attempt->request;
	const struct login_request name = login_of(attempt);
	const bool is_refused = request->refusal[0] != '\0';
	const uint64_t login = is_refused ? 0 : login_key(attempt->policy, &name);
	const struct cidr person = penalty_person(request->asker);
	struct penalty_keys keys = penalty_keys(login,
		request->protocol == AUTH_PROTOCOL_CONTROL ? &person : &request->client);

	if (request->is_client_claimed)
		penalty_set_apart(&keys);
	if (is_refused)
		return keys;
	login_set_owner(attempt->policy, &name, &keys);
	penalty_claim(&keys,
		login_claimed_key(attempt->policy, attempt->config->jwt.mail_claim, &name));
	return keys;
}

static void enter_gate(struct attempt *attempt)
{
	struct gate_ticket *ticket = &attempt->ticket, *displaced;

	ticket->keys = keys_of(attempt);
	switch (auth_gate_enter(attempt->auth->gate, ticket, auth_seconds(), &displaced)) {
	case GATE_OPEN:
		pass_gate(attempt);
		break;
	case GATE_WAIT:
		if (!ticket->is_patient)
			start_timer(attempt, WAIT_MAX_MS, on_late);
		break;
	case GATE_FULL:
		turn_away(attempt);
		break;
	}
	if (displaced != NULL)
		turn_away(attempt_of_ticket(displaced));
}

/* ---- the beginning ------------------------------------------------------------------- */

static void begin_course(struct attempt *attempt);

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct attempt *attempt = context;

	(void)fd;
	(void)what;
	stop_timer(attempt);
	renew_rules(attempt);
	begin_course(attempt);
}

/* Return whether to wait for the policy that a daemon which has just started will have soon. */
static bool awaits_policy(const struct attempt *attempt)
{
	const int64_t now = clock_ms();

	return attempt->policy == NULL && now - attempt->auth->started <= STARTING_MS &&
		now - attempt->arrival <= WAIT_MAX_MS;
}

static void begin_course(struct attempt *attempt)
{
	if (attempt->request.refusal[0] != '\0' && attempt->request.cause == CAUSE_POLICY)
		decide_attempt(attempt);
	else if (awaits_policy(attempt))
		start_timer(attempt, RETRY_MS, on_retry);
	else
		enter_gate(attempt);
}

/* Returns 0, or -1 when out of memory. */
static int copy_request(struct attempt *attempt, const struct attempt_request *request)
{
	attempt->request = *request;
	attempt->request.login = strdup(request->login);
	attempt->request.secret = strdup(request->secret);
	(void)text_format(attempt->mechanism, sizeof(attempt->mechanism), "%.*s",
		TEXT_CUT(request->mechanism, 31));
	attempt->request.mechanism = attempt->mechanism;
	if (request->refusal != NULL)
		(void)text_format(attempt->refusal, sizeof(attempt->refusal), "%.*s",
			TEXT_CUT(request->refusal, 199));
	attempt->request.refusal = attempt->refusal;
	return attempt->request.login == NULL || attempt->request.secret == NULL ? -1 : 0;
}

/* The bounds of the kinds leave a quarter to the MTAs at the other sockets. */
static bool has_room(const struct auth *auth, const struct attempt_request *request)
{
	return auth->attempt_count < ATTEMPTS_MAX &&
		(!request->is_mute || auth->patient_count < PATIENT_MAX) &&
		(!request->is_client_claimed || auth->claimed_count < CLAIMED_MAX);
}

void attempt_begin(struct auth *auth, const struct attempt_request *request, attempt_done *done,
	void *context, struct attempt **handle_r)
{
	const struct login_answer failed = { .result = LOGIN_UNDECIDED };
	struct attempt *attempt = has_room(auth, request) ? calloc(1, sizeof(*attempt)) : NULL;

	*handle_r = NULL;
	if (attempt == NULL) {
		auth->turned_away++;
		auth_counts_add(auth->counts, request->protocol, request->mechanism, &failed);
		done(context, &failed);
		return;
	}
	LIST_INSERT_HEAD(&auth->attempts, attempt, link);
	auth->attempt_count++;
	auth->patient_count += request->is_mute;
	auth->claimed_count += request->is_client_claimed;
	attempt->auth = auth;
	attempt->handle = handle_r;
	*handle_r = attempt;
	attempt->done = done;
	attempt->context = context;
	attempt->ticket.is_patient = request->is_mute;
	attempt->arrival = clock_ms();
	renew_rules(attempt);
	if (copy_request(attempt, request) < 0) {
		auth_counts_add(auth->counts, request->protocol, request->mechanism, &failed);
		*handle_r = NULL;
		attempt_free(attempt);
		done(context, &failed);
	} else {
		begin_course(attempt);
	}
}
