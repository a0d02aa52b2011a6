/*
 * The limits of a client's connections: on those open at once, and on those within a window of
 * time. Owns nothing; any thread may call it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

#include "lib/rules/check_private.h"

static bool check_concurrency(struct check_run *run, const char *rdns)
{
	const struct facts *facts = run->facts;
	struct rate_match match;
	struct finding *finding;
	uint32_t max;

	if (!rates_find_client(run->settings->rates, RATE_CONCURRENCY, &facts->client, rdns,
		    &match))
		return true;
	/* Before a reload, the connection may have been counted under another key. */
	if (facts->counted == NULL || strcmp(facts->counted, match.counted) != 0)
		return true;
	max = match.limits->limit[0].count;
	if (facts->open <= max)
		return true;
	finding = finding_new(run, CHECK_RATES);
	finding_rule(finding, "[limit concurrency] %.*s", TEXT_CUT(match.entry, 150));
	return finding_fail(run, finding, 450, "4.7.1",
		"Too many connections at once: at most %" PRIu32, max);
}

/* If a limit applies to the client, charge the connection or, without env->charge, only look. */
static void charge_connection(const struct check_env *env, const struct settings *settings,
	const struct facts *facts, struct connection_charge *charge_r)
{
	const struct ledger_ops *ledger = env->ledger;
	struct connection_charge made = { .answer = LEDGER_FREE };
	struct rate_match match;
	struct ledger_request request = { .amount = 1 };
	char rdns[DOMAIN_SIZE];

	if (ledger != NULL && rates_has(settings->rates, RATE_CONN) &&
		rates_find_client(settings->rates, RATE_CONN, &facts->client,
			canon_name(facts->rdns, rdns), &match)) {
		(void)text_format(made.entry, sizeof(made.entry), "%.*s",
			TEXT_CUT(match.entry, 79));
		request.key = match.counted;
		request.key_len = strlen(match.counted);
		request.limits = match.limits->limit;
		request.limit_count = match.limits->len;
		request.origin = check_origin(&facts->client, &match);
		made.answer = env->charge ?
			ledger->charge(ledger->context, env->now, &request, 1,
				settings->on_error == ON_ERROR_TEMPFAIL, &made.usage) :
			ledger->look(ledger->context, env->now, &request, 1, &made.usage);
	}
	*charge_r = made;
}

void check_charge_connection(const struct check_env *env, const struct facts *facts,
	struct connection_charge *charge_r)
{
	const struct settings *settings = policy_parts(env->policy)->settings;
	const struct service *service = settings_service(settings, facts->service);

	*charge_r = (struct connection_charge){ .answer = LEDGER_FREE };
	if (service->mode[CHECK_RATES] != MODE_NO && settings->rates != NULL &&
		!rates_exempts(settings->rates, &facts->client, facts->login, facts->sender))
		charge_connection(env, settings, facts, charge_r);
}

bool check_connection(struct check_run *run, const char *rdns)
{
	struct connection_charge looked;
	const struct connection_charge *charge = run->facts->connection;
	struct finding *finding;
	char rule[RULE_SIZE];

	if (run->settings->rates == NULL || !check_run_wants(run, CHECK_RATES) ||
		check_rates_exempt(run))
		return true;
	if (!check_concurrency(run, rdns))
		return false;
	if (charge == NULL) {
		const struct check_env look = { .policy = run->env->policy,
			.ledger = run->env->ledger,
			.now = run->env->now };

		charge_connection(&look, run->settings, run->facts, &looked);
		charge = &looked;
	}
	if (charge->answer != LEDGER_FAILED && charge->usage.limit.seconds == 0)
		return true;
	(void)text_format(rule, sizeof(rule), "[limit rate_conn] %s", charge->entry);
	finding = finding_new(run, CHECK_RATES);
	finding_limit(finding, &charge->usage, rule);
	if (charge->answer == LEDGER_FAILED)
		return finding_error(run, finding, "the charge could not be made or saved");
	if (charge->answer == LEDGER_FULL)
		return finding_full(run, finding, 450, "4.7.1", "Connection rate limit");
	finding->outcome = OUTCOME_PASS;
	return true;
}
