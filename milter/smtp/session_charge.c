/*
 * Counts and charges a session's connection, ends the reservations of a message, and suspends a
 * login whose limit demands it. The count of open connections and the suspensions belong to struct
 * shared. Runs on the thread of libmilter that runs the session's callback.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/smtp/session_private.h"

static void charge_connection(struct session *session, const struct policy *policy)
{
	const struct facts facts = session_facts(session, NULL);
	const struct check_env env = {
		.policy = policy,
		.ledger = shared_ledger(session->shared),
		.now = shared_now(session->shared),
		.charge = true,
	};

	check_charge_connection(&env, &facts, &session->connection);
	session->is_charged = true;
}

/* Count the connection among the open ones, unless out of memory. settings may be NULL. */
static void count_open(struct session *session, const struct settings *settings)
{
	const struct rates *rates = settings == NULL ? NULL : settings->rates;
	bool is_bound = settings != NULL &&
		settings_service(settings, session->service)->mode[CHECK_RATES] != MODE_NO;
	char key[RATE_KEY_SIZE], rdns[DOMAIN_SIZE];
	bool has_name = session->rdns != NULL &&
		domain_canon(session->rdns, strlen(session->rdns), rdns) >= 0;

	/* Clients exempt from limits must not consume a shared entry. */
	if (rates != NULL && (!is_bound || rates_exempts(rates, &session->client, NULL, NULL)))
		rates = NULL;
	rates_concurrency_key(rates, &session->client, has_name ? rdns : NULL, key);
	if ((session->counted = strdup(key)) != NULL)
		session->open = open_clients_enter(shared_open_clients(session->shared), key);
}

void session_enter(struct session *session)
{
	struct policy *policy = snapshot_get(shared_snapshot(session->shared));
	const struct settings *settings = policy == NULL ? NULL : policy_parts(policy)->settings;

	session_leave(session);
	if (session->client.family != AF_UNSPEC)
		count_open(session, settings);
	if (settings != NULL && settings->rates != NULL)
		charge_connection(session, policy);
	policy_unref(&policy);
}

void session_leave(struct session *session)
{
	if (session->open > 0)
		open_clients_leave(shared_open_clients(session->shared), session->counted);
	free(session->counted);
	session->counted = NULL;
	session->open = session->named = 0;
	session->is_charged = false;
}

void session_commit(const struct session *session, struct message *message)
{
	const struct ledger_ops *ledger = shared_ledger(session->shared);

	if (message->hold != NULL)
		ledger->commit(ledger->context, shared_now(session->shared), &message->hold);
}

void session_give_back(const struct session *session, struct message *message)
{
	const struct ledger_ops *ledger = shared_ledger(session->shared);

	if (message->hold != NULL)
		ledger->give_back(ledger->context, shared_now(session->shared), &message->hold);
}

/* Log as a warning or an error, because an administrator must lift the suspension. */
static void log_suspension(const struct session *session, const char *login,
	const struct finding *finding, const char *error)
{
	struct strbuf line = STRBUF_INIT;
	char usage[USAGE_TEXT_SIZE];

	usage_format(&finding->usage, usage);
	quote_add(&line, "session", session->id);
	quote_add(&line, "suspended", error == NULL ? login : NULL);
	quote_add(&line, "not-suspended", error == NULL ? NULL : login);
	quote_add(&line, "rule", finding->rule);
	strbuf_addf(&line, " %s", usage);
	quote_add(&line, "error", error);
	quote_add(&line, "until", "posternctl resume LOGIN");
	if (!line.failed)
		log_line(error == NULL ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, line.text, line.len);
	strbuf_free(&line);
}

void session_suspend(const struct session *session, const struct message *message,
	const struct policy *policy, const struct verdict *verdict)
{
	const struct finding *deciding = verdict_deciding_finding(verdict);
	struct errmsg err = { "" };
	struct user user;
	const char *login = message->login;

	if (deciding == NULL || login == NULL)
		return;
	if (policy_find_user(policy, login, &user))
		login = user.name;
	if (shared_suspend(session->shared, login, &err) == 0)
		log_suspension(session, login, deciding, NULL);
	else
		log_suspension(session, login, deciding, err.text);
}
