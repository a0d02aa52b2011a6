/*
 * The last check of a recipient: the rate limits of the login's profile, the rate limits for
 * everybody, and the number of recipients per connection. A recipient is reserved until its message
 * ends. Owns nothing; any thread may call it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"
#include "lib/rules/check_private.h"

#define SECOND 1000000U /* microseconds */
#define CHARGES_MAX 16

/* The most keys of one limit for one address: two orders of % and !, an extension with a routing
 * character, and the address to which the MTA resolves it. */
#define COUNTED_MAX 4

/* The keys under which an accepted recipient is reserved: the login, then those of [limit]. */
struct charges {
	size_t count;
	struct ledger_request requests[CHARGES_MAX];
	struct ledger_usage usage[CHARGES_MAX];
	enum check checks[CHARGES_MAX];
	char keys[CHARGES_MAX][RATE_KEY_SIZE];
	char rules[CHARGES_MAX][RULE_SIZE];
};

bool check_login_key(const char *login, char key_r[LEDGER_KEY_MAX + 1])
{
	int len = text_format(key_r, LEDGER_KEY_MAX + 1, "login:%s", login);

	if (len < 0 || len > LEDGER_KEY_MAX)
		return false;
	ascii_lower_bytes(key_r, (size_t)len, key_r);
	return true;
}

/* Convert to whole seconds, rounded up. A counter adds up to a millionth of the window; that must
 * not turn 5m into 5m1s. */
static uint64_t seconds_of(uint64_t wait, uint32_t window)
{
	uint64_t slack = (uint64_t)window + 1;

	if (wait == 0 || wait == UINT64_MAX)
		return wait;
	return wait <= slack ? 1 : (wait - slack + SECOND - 1) / SECOND;
}

struct usage usage_of_ledger(const struct ledger_usage *usage)
{
	return (struct usage){
		.used = usage->used,
		.limit = usage->limit.count,
		.window = usage->limit.seconds,
		.wait = seconds_of(usage->wait, usage->limit.seconds),
	};
}

void finding_limit(struct finding *finding, const struct ledger_usage *usage, const char *rule)
{
	const char *attempts = usage->is_full && usage->is_attempts ? " (attempts)" : "";

	if (usage->shared[0] == '\0')
		finding_rule(finding, "%s%s", rule, attempts);
	else
		finding_rule(finding, "%.*s%s, together with others of %s: the ledger is full",
			TEXT_CUT(rule, 90), attempts, usage->shared);
	finding->usage = usage_of_ledger(usage);
}

bool finding_full(struct check_run *run, struct finding *finding, int code, const char *enhanced,
	const char *what)
{
	const struct limit limit = { finding->usage.limit, finding->usage.window };
	char limit_text[32], wait[32];

	limit_format(&limit, limit_text);
	wait_format(finding->usage.wait, wait);
	if (finding->usage.wait == UINT64_MAX)
		return finding_fail(run, finding, code, enhanced, "%s %s reached", what,
			limit_text);
	return finding_fail(run, finding, code, enhanced, "%s %s reached, next in %s", what,
		limit_text, wait);
}

/* ---- the keys ----------------------------------------------------------------- */

/* Return whether this recipient is charged to the login; then *who_r is set. */
static bool is_login_charged(const struct check_run *run, struct sender_user *who_r)
{
	if (!check_run_wants(run, CHECK_LIMITS) || !sender_user_find(run, who_r) ||
		who_r->profile == NULL || profile_limits(who_r->profile)->len == 0)
		return false;
	return run->settings->limit_count != COUNT_MESSAGES || run->facts->recipients == 0;
}

/* Returns false when the login is too long for a key. */
static bool add_login(const struct sender_user *who, struct charges *charges)
{
	const struct limits *limits = profile_limits(who->profile);
	size_t i = charges->count;

	if (strlen(who->user.name) + sizeof("login:") > RATE_KEY_SIZE ||
		!check_login_key(who->user.name, charges->keys[i]))
		return false;
	(void)text_format(charges->rules[i], RULE_SIZE, "profile %.*s: limits",
		TEXT_CUT(profile_name(who->profile), 80));
	charges->checks[i] = CHECK_LIMITS;
	charges->requests[i] = (struct ledger_request){
		.key = charges->keys[i],
		.key_len = strlen(charges->keys[i]),
		.limits = limits->limit,
		.limit_count = limits->len,
		.amount = 1,
	};
	charges->count++;
	return true;
}

struct ledger_origin check_origin(const struct cidr *client, const struct rate_match *match)
{
	struct ledger_origin origin = { .family = LEDGER_ORIGIN_UNKNOWN };
	const struct cidr net = cidr_translated(client);

	if (!match->is_default) {
		origin.family = 0;
	} else if (net.family == AF_INET) {
		origin.family = 4;
		memcpy(origin.net, net.addr, 3);
	} else if (net.family == AF_INET6) {
		origin.family = 6;
		memcpy(origin.net, net.addr, sizeof(origin.net));
	}
	return origin;
}

/* Find the limits of an address, and the key under which they count it in this session. */
static bool find_address(const struct check_run *run, enum rate rate,
	const struct mail_address *address, const char *domains, struct rate_match *match_r)
{
	const struct settings *settings = run->settings;

	if (!rates_find_address(settings->rates, rate, address, domains, settings->list_delimiter,
		    match_r))
		return false;
	if (rate == RATE_RCPT_SENDER && run->facts->login != NULL)
		rate_match_of_login(match_r);
	return true;
}

static void add_rate(struct charges *charges, const struct facts *facts, enum rate rate,
	const struct rate_match *match)
{
	size_t i = charges->count++;

	(void)text_format(charges->rules[i], RULE_SIZE, "[limit %s] %.*s", rate_name(rate),
		TEXT_CUT(match->entry, 150));
	memcpy(charges->keys[i], match->counted, strlen(match->counted) + 1);
	charges->checks[i] = CHECK_RATES;
	charges->requests[i] = (struct ledger_request){
		.key = charges->keys[i],
		.key_len = strlen(charges->keys[i]),
		.limits = match->limits->limit,
		.limit_count = match->limits->len,
		.amount = 1,
		.origin = check_origin(&facts->client, match),
	};
}

const char *canon_name(const char *name, char canon_r[DOMAIN_SIZE])
{
	return name != NULL && domain_canon(name, strlen(name), canon_r) >= 0 ? canon_r : NULL;
}

/* Return whether the other spelling of the login is exempt. Not inlined, so that only sessions with
 * a login need this much stack. */
__attribute__((noinline)) static bool is_other_spelling_exempt(const struct check_run *run)
{
	const struct facts *facts = run->facts;
	char other[SUSPENSION_LOGIN_MAX + 1];

	return check_other_spelling(run->env->policy, facts->login, other) &&
		rates_exempts(run->settings->rates, &facts->client, other, NULL);
}

bool check_rates_exempt(const struct check_run *run)
{
	const struct rates *rates = run->settings->rates;
	const struct facts *facts = run->facts;

	return rates_exempts(rates, &facts->client, facts->login, facts->sender) ||
		(facts->login != NULL && rates_have_exempt_logins(rates) &&
			is_other_spelling_exempt(run));
}

/* Return whether a key is already among the charges. */
static bool has_key(const struct charges *charges, const char *key)
{
	for (size_t i = 0; i < charges->count; i++) {
		if (strcmp(charges->keys[i], key) == 0)
			return true;
	}
	return false;
}

/* Add the keys of the readings to which the MTA may deliver. Returns false when there are too many.
 */
static bool add_readings(const struct check_run *run, enum rate rate,
	const struct address_readings *readings, struct charges *charges)
{
	const struct settings *settings = run->settings;
	const size_t before = charges->count;
	struct mail_address counted;
	struct rate_match match;
	const char *domains;

	for (size_t i = 0; i < readings->count; i++) {
		if (!address_is_final(&readings->at[i], settings->list_delimiter))
			continue;
		domains = find_counted_address(settings, run->facts->mta_name, &readings->at[i],
			&counted);
		if (!find_address(run, rate, &counted, domains, &match) ||
			has_key(charges, match.counted))
			continue;
		if (charges->count - before == COUNTED_MAX)
			return false;
		add_rate(charges, run->facts, rate, &match);
	}
	return true;
}

/* Return the address to which the MTA resolves the one that the rate counts; NULL: not known. */
static const struct mail_address *resolved_of(const struct check_run *run, enum rate rate)
{
	return rate == RATE_RCPT_SENDER ? run->facts->sender_resolved : run->facts->resolved;
}

/* Not inlined, so that only addresses with several readings or domains need this much stack. */
__attribute__((noinline)) static bool add_rate_of_readings(const struct check_run *run,
	enum rate rate, const struct mail_address *address, struct charges *charges)
{
	struct address_readings readings;

	return find_readings(run, address, resolved_of(run, rate), &readings) &&
		add_readings(run, rate, &readings, charges);
}

/* Add the keys of an address. Returns false when there are too many. */
static bool add_rate_of_address(const struct check_run *run, enum rate rate,
	const struct mail_address *address, struct charges *charges)
{
	struct rate_match match;

	if (!rates_has(run->settings->rates, rate))
		return true;
	if (!address->is_simple || has_other_domains(run, address) ||
		is_resolved_elsewhere(run, resolved_of(run, rate), address))
		return add_rate_of_readings(run, rate, address, charges);
	if (find_address(run, rate, address, "", &match))
		add_rate(charges, run->facts, rate, &match);
	return true;
}

/* Remove the keys of a check. */
static void remove_check(struct charges *charges, enum check check)
{
	size_t kept = 0;

	for (size_t i = 0; i < charges->count; i++) {
		if (charges->checks[i] == check)
			continue;
		if (kept != i) {
			charges->requests[kept] = charges->requests[i];
			charges->checks[kept] = charges->checks[i];
			charges->usage[kept] = charges->usage[i];
			memcpy(charges->keys[kept], charges->keys[i], RATE_KEY_SIZE);
			memcpy(charges->rules[kept], charges->rules[i], RULE_SIZE);
			charges->requests[kept].key = charges->keys[kept];
		}
		kept++;
	}
	charges->count = kept;
}

/* Refuse an address that cannot be counted: on_error does not apply, because the client chooses the
 * address. If the check only warns, the login is charged alone. Returns whether the stage
 * continues. */
static bool refuse_uncounted(struct check_run *run, struct charges *charges, const char *enhanced,
	const char *what)
{
	struct finding *finding = finding_new(run, CHECK_RATES);

	remove_check(charges, CHECK_RATES);
	finding_rule(finding, "more than %d readings of the address to count", COUNTED_MAX);
	return finding_fail(run, finding, 553, enhanced, "Bad %s address syntax", what);
}

/* Returns false when the recipient is refused because an address has too many keys. */
static bool add_rates(struct check_run *run, const struct mail_address *rcpt,
	struct charges *charges)
{
	const struct rates *rates = run->settings->rates;
	const struct facts *facts = run->facts;
	char rdns[DOMAIN_SIZE];
	struct rate_match match;

	if (rates_find_client(rates, RATE_RCPT_HOST, &facts->client, canon_name(facts->rdns, rdns),
		    &match))
		add_rate(charges, facts, RATE_RCPT_HOST, &match);
	if (!facts->sender->is_null &&
		!add_rate_of_address(run, RATE_RCPT_SENDER, facts->sender, charges))
		return refuse_uncounted(run, charges, "5.1.7", "sender");
	if (!add_rate_of_address(run, RATE_RCPT, rcpt, charges))
		return refuse_uncounted(run, charges, "5.1.3", "recipient");
	if (rates_has(rates, RATE_RCPT_NULL) && sender_may_become_null(facts->sender) &&
		!add_rate_of_address(run, RATE_RCPT_NULL, rcpt, charges))
		return refuse_uncounted(run, charges, "5.1.3", "recipient");
	return true;
}

/* ---- charging ------------------------------------------------------------------ */

static enum ledger_answer reserve_or_look(const struct check_run *run, struct charges *charges)
{
	const struct ledger_ops *ledger = run->env->ledger;
	uint64_t now = run->env->now;

	for (size_t i = 0; i < charges->count; i++)
		charges->requests[i].attempts = run->settings->limit_attempts;
	if (!run->env->charge)
		return ledger->look(ledger->context, now, charges->requests, charges->count,
			charges->usage);
	return ledger->reserve(ledger->context, now, run->env->hold, charges->requests,
		charges->count, run->settings->on_error == ON_ERROR_TEMPFAIL, charges->usage);
}

/* Find the key of a check that is to be reported: the full key with the longest wait or, with full
 * false, the key that is nearest to full. Returns its index, or -1 for none. */
static int find_reported(const struct charges *charges, enum check check, bool full)
{
	int best = -1;

	for (size_t i = 0; i < charges->count; i++) {
		const struct ledger_usage *usage = &charges->usage[i], *other;

		if (charges->checks[i] != check || (full && !usage->is_full))
			continue;
		other = best < 0 ? NULL : &charges->usage[best];
		if (other == NULL ||
			(full ? usage->wait > other->wait :
				usage->used * other->limit.count >
						other->used * usage->limit.count))
			best = (int)i;
	}
	return best;
}

/* Add a finding with the rule and the usage of a key. */
static struct finding *add_usage_finding(struct check_run *run, const struct charges *charges,
	int i)
{
	struct finding *finding = finding_new(run, charges->checks[i]);

	finding_limit(finding, &charges->usage[i], charges->rules[i]);
	finding->outcome = OUTCOME_PASS;
	return finding;
}

/*
 * Answer a full limit of the login as [limits] on_limit demands. Reservations of other messages may
 * be given back. While they fill the limit, the client must try again, and is not suspended.
 */
static bool fail_login(struct check_run *run, struct finding *finding, bool is_full_alone)
{
	const enum on_limit on_limit = run->settings->on_limit;
	bool goes_on;

	if (on_limit == ON_LIMIT_TEMPFAIL || !is_full_alone)
		return finding_full(run, finding, 450, "4.7.1", "Rate limit");
	goes_on = finding_full(run, finding, 550, "5.7.1", "Rate limit");
	if (on_limit == ON_LIMIT_SUSPEND)
		run->verdict->suspend = !goes_on && run->env->charge;
	return goes_on;
}

/*
 * Report the full limits. A check that only warns is reported and removed, and *again_r is set so
 * that the caller charges the others again. Returns whether the stage continues.
 */
static bool report_full(struct check_run *run, struct charges *charges, bool *again_r)
{
	static const enum check order[] = { CHECK_LIMITS, CHECK_RATES };

	*again_r = false;
	for (size_t i = 0; i < 2; i++) {
		int full = find_reported(charges, order[i], true);
		struct finding *finding;

		if (full < 0)
			continue;
		finding = add_usage_finding(run, charges, full);
		if (order[i] == CHECK_LIMITS ?
				!fail_login(run, finding, charges->usage[full].is_full_alone) :
				!finding_full(run, finding, 450, "4.7.1", "Rate limit"))
			return false;
		remove_check(charges, order[i]);
		*again_r = true;
	}
	return true;
}

/* Let on_error answer a charge that failed, once for each check. Returns whether the stage
 * continues. */
static bool report_failed(struct check_run *run, const struct charges *charges)
{
	for (size_t i = 0; i < charges->count; i++) {
		if (i > 0 && charges->checks[i] == charges->checks[i - 1])
			continue;
		if (!finding_error(run, finding_new(run, charges->checks[i]),
			    "the charge could not be made or saved"))
			return false;
	}
	return true;
}

static bool charge_keys(struct check_run *run, struct charges *charges)
{
	static const enum check order[] = { CHECK_LIMITS, CHECK_RATES };
	bool again = true;
	int i;

	while (again && charges->count > 0) {
		switch (reserve_or_look(run, charges)) {
		case LEDGER_FAILED:
			return report_failed(run, charges);
		case LEDGER_FULL:
			if (!report_full(run, charges, &again))
				return false;
			break;
		case LEDGER_FREE:
			again = false;
			break;
		}
	}
	for (size_t j = 0; j < 2; j++) {
		if ((i = find_reported(charges, order[j], false)) >= 0)
			(void)add_usage_finding(run, charges, i);
	}
	return true;
}

/* ---- recipients per connection ---------------------------------------------------- */

/* Return the largest number of recipients that the client may name in this connection; 0: no limit.
 */
static uint32_t recipients_max(const struct check_run *run, char rule_r[RULE_SIZE])
{
	const struct rates *rates = run->settings->rates;
	uint32_t max = run->facts->login == NULL ? 0 : rates_max_relaying(rates);
	struct rate_match match;
	char rdns[DOMAIN_SIZE];

	if (max > 0) {
		(void)snprintf(rule_r, RULE_SIZE, "[limit recipients] max_relaying");
		return max;
	}
	if (!rates_find_client(rates, RATE_RECIPIENTS, &run->facts->client,
		    canon_name(run->facts->rdns, rdns), &match))
		return 0;
	(void)text_format(rule_r, RULE_SIZE, "[limit recipients] %.*s", TEXT_CUT(match.entry, 150));
	return match.limits->limit[0].count;
}

static bool check_recipients(struct check_run *run)
{
	char rule[RULE_SIZE];
	uint32_t max = recipients_max(run, rule);
	struct finding *finding;

	if (max == 0 || run->facts->named < max)
		return true;
	finding = finding_new(run, CHECK_RATES);
	finding_rule(finding, "%s", rule);
	return finding_fail(run, finding, 452, "4.5.3",
		"Too many recipients: at most %" PRIu32 " in a connection", max);
}

/*
 * Charge the recipient; who is NULL when the login is not charged. Not inlined, so that only
 * charged recipients need this much stack: when a thread ends, the kernel frees the stack that it
 * touched, which delays all other threads.
 */
__attribute__((noinline)) static bool charge_all(struct check_run *run,
	const struct sender_user *who, bool everybody, const struct mail_address *rcpt)
{
	struct charges charges;

	charges.count = 0; /* without setting the rest, which is large */
	if (who != NULL && !add_login(who, &charges) &&
		!finding_error(run, finding_new(run, CHECK_LIMITS), "the login is too long"))
		return false;
	if (everybody && !add_rates(run, rcpt, &charges))
		return false;
	return charges.count == 0 || charge_keys(run, &charges);
}

bool check_charges(struct check_run *run, const struct mail_address *rcpt)
{
	const bool everybody = run->settings->rates != NULL && check_run_wants(run, CHECK_RATES) &&
		!check_rates_exempt(run);
	struct sender_user who;
	bool login;

	if (everybody && !check_recipients(run))
		return false;
	if (run->env->ledger == NULL)
		return true;
	login = is_login_charged(run, &who);
	return !(login || everybody) || charge_all(run, login ? &who : NULL, everybody, rcpt);
}
