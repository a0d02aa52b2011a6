/*
 * Records a decided login: its log line and event, its count, its place in the auth cache, and its
 * effect on later attempts. Owns nothing; runs on the server thread.
 * t/integration/test_auth.py covers it.
 */
#include <inttypes.h>

#include "milter/auth/auth_private.h"
#include "milter/log/decision_record.h"
#include "milter/log/events.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

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
static void add_attempt_line(const struct attempt *attempt, struct strbuf *line)
{
	const struct attempt_request *request = &attempt->request;
	const struct login_answer *answer = &attempt->answer;
	char client[CIDR_TEXT_SIZE];

	cidr_format(&request->client, client);
	quote_add(line, "stage", "auth");
	quote_add(line, "verdict", verdicts[answer->result]);
	if (answer->result == LOGIN_REFUSED)
		quote_add(line, "cause",
			answer->cause == CAUSE_CREDENTIALS ? "credentials" : "policy");
	if (client[0] != '\0')
		quote_add(line, request->is_client_claimed ? "client_claimed" : "client", client);
	quote_add(line, "protocol", auth_protocol_name(request->protocol));
	if (request->protocol == AUTH_PROTOCOL_CONTROL)
		quote_add_number(line, "uid", request->asker);
	quote_add(line, "mechanism", request->mechanism);
	quote_add(line, "login", answer->login[0] != '\0' ? answer->login : request->login);
	if (answer->reason[0] != '\0')
		quote_add(line, "rule", answer->reason);
	if (answer->is_cached)
		quote_add(line, "remembered", "yes");
	if (attempt->ticket.delay_ms > 0)
		quote_add_number(line, "delay-ms", attempt->ticket.delay_ms);
	quote_add_number(line, "policy",
		attempt->policy == NULL ? 0 : policy_serial(attempt->policy));
}

static void log_attempt(const struct attempt *attempt)
{
	struct strbuf line = STRBUF_INIT;

	add_attempt_line(attempt, &line);
	if (!line.failed && attempt->request.protocol == AUTH_PROTOCOL_CONTROL)
		log_action(LOG_LEVEL_INFO, line.text, line.len);
	else if (!line.failed)
		log_line(LOG_LEVEL_INFO, line.text, line.len);
	strbuf_free(&line);
}

char *auth_example_line(void)
{
	static const struct login_answer refused = { .result = LOGIN_REFUSED,
		.cause = CAUSE_CREDENTIALS };
	struct attempt attempt = { .request = { .protocol = AUTH_PROTOCOL_DOVECOT,
					   .mechanism = "PLAIN",
					   .login = "example" },
		.answer = refused };
	struct strbuf line = STRBUF_INIT;

	if (cidr_parse("192.0.2.1", &attempt.request.client, NULL) != 0)
		return NULL;
	add_attempt_line(&attempt, &line);
	return strbuf_take(&line);
}

/* Return the bound of the attempt's line, or NULL if it has none. */
static struct log_bound *bound_of(const struct attempt *attempt)
{
	const bool is_claimed = attempt->request.is_client_claimed;
	const bool is_token = (attempt->ticket.keys.login & PENALTY_TOKEN) != 0;
	enum unlogged_kind kind = is_claimed ? UNCHECKED_CLAIMED : UNCHECKED_LOCAL;

	if (attempt->answer.result == LOGIN_ACCEPTED)
		return is_claimed ? &attempt->auth->unlogged[ACCEPTED_CLAIMED] : NULL;
	if (attempt->is_checked && !is_token) {
		if (!is_claimed)
			return NULL;
		kind = CHECKED_CLAIMED;
	}
	return &attempt->auth->unlogged[kind];
}

/* Return whether the attempt may have a log line. */
static bool has_line(const struct attempt *attempt)
{
	struct log_bound *bound = bound_of(attempt);

	return bound == NULL || log_bound_admit(bound, clock_ms());
}

void attempt_report_unlogged(struct auth *auth)
{
	static const struct {
		const char *sockets, *hint;
	} kinds[UNLOGGED_KINDS] = {
		[UNCHECKED_LOCAL] = { "unix",
			"these attempts were refused without a check of the password" },
		[UNCHECKED_CLAIMED] = { "inet",
			"these attempts were refused without a check of the password" },
		[CHECKED_CLAIMED] = { "inet", "the passwords of these attempts were refused" },
		[ACCEPTED_CLAIMED] = { "inet", "these logins were accepted" },
	};
	uint64_t count;

	for (int kind = 0; kind < UNLOGGED_KINDS; kind++) {
		count = log_bound_report(&auth->unlogged[kind], clock_ms());
		if (count > 0)
			log_event(LOG_LEVEL_WARNING,
				"auth lines-suppressed=%" PRIu64
				" reason=too-many sockets=%s hint=\"%s\"",
				count, kinds[kind].sockets, kinds[kind].hint);
	}
}

/* Report the decision to `posternctl tail`. */
static void send_event(const struct attempt *attempt)
{
	const struct login_answer *answer = &attempt->answer;
	const struct decision_record decision = {
		.session = "auth",
		.client = attempt->request.client,
		.is_client_claimed = attempt->request.is_client_claimed,
		.login = answer->login[0] != '\0' ? answer->login : attempt->request.login,
		.stage = "auth",
		.verdict = verdicts[answer->result],
		.rule = answer->reason,
		.policy = attempt->policy == NULL ? 0 : policy_serial(attempt->policy),
	};

	if (events_wanted())
		decision_record_add_event(&decision);
}

/* Warn once that tokens for other services may be accepted. */
static void warn_of_audience(struct auth *auth)
{
	if (auth->has_ignored_audience)
		return;
	auth->has_ignored_audience = true;
	log_event(LOG_LEVEL_WARNING,
		"auth tokens have an audience (aud) that is not checked: set [jwt] audience, so "
		"that tokens made for other services are refused");
}

/*
 * Return whether the attempt counts as a failure. The right password of a disabled or suspended
 * user does, or the delays that follow would tell it from a wrong one, unless it comes from the
 * owner's network, where it must not delay others. A token that is refused because it has
 * expired, or because we lack its key, does not: nobody guesses a private key, clients use a token
 * until it is refused, and an issuer changes its keys before keys_file has the new ones.
 */
static bool is_failure(const struct attempt *attempt)
{
	const struct login_answer *answer = &attempt->answer;

	if (answer->result != LOGIN_REFUSED)
		return false;
	return answer->cause == CAUSE_CREDENTIALS ||
		(attempt->request.refusal[0] == '\0' && !attempt->ticket.is_trusted &&
			(attempt->ticket.keys.login & PENALTY_TOKEN) == 0);
}

void attempt_record(const struct attempt *attempt)
{
	struct auth *auth = attempt->auth;
	const struct attempt_request *request = &attempt->request;
	const struct login_answer *answer = &attempt->answer;
	const uint32_t now = auth_seconds();

	auth_counts_add(auth->counts, request->protocol, request->mechanism, answer);
	if (answer->result == LOGIN_ACCEPTED) {
		if (answer->hash != NULL)
			auth_cache_add(auth->auth_cache,
				&(struct auth_cache_login){ answer->login, answer->hash,
					request->secret },
				now);
		/* A person who explains a session need not own the login, and gets no trust. */
		if (request->protocol != AUTH_PROTOCOL_CONTROL)
			penalty_succeeded(auth->penalty, &attempt->ticket.keys, now);
	} else if (is_failure(attempt)) {
		penalty_failed(auth->penalty, &attempt->ticket.keys, now);
	}
	if (has_line(attempt))
		log_attempt(attempt);
	send_event(attempt);
	if (answer->result == LOGIN_ACCEPTED && answer->has_ignored_audience)
		warn_of_audience(auth);
}
