/*
 * Finds the key of the ledger that a login, a client or an address is charged to, and its limits in
 * force, for people who ask about it. Owns nothing; any thread may call it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/check_private.h"

/* Return whether a check is set to `yes` or `warn` for any service. */
static bool is_wanted(const struct settings *settings, enum check check)
{
	for (size_t i = 0; i < settings->service_count; i++) {
		if (settings->services[i].mode[check] != MODE_NO)
			return true;
	}
	return false;
}

static bool find_login(const struct policy *policy, const char *login, struct check_key *key_r)
{
	const struct check_env env = { .policy = policy };
	char name[SUSPENSION_LOGIN_MAX + 1];
	struct facts facts = { .login = name };
	struct sender_user who;
	const struct limits *limits;

	if (policy == NULL)
		return check_login_key(login, key_r->key);
	if (check_login_name(policy, login, name) < 0)
		return false;
	(void)sender_user_find(&(struct check_run){ .env = &env,
				       .parts = policy_parts(policy),
				       .settings = policy_parts(policy)->settings,
				       .facts = &facts },
		&who);
	if (!check_login_key(who.user.name, key_r->key))
		return false;
	limits = who.profile == NULL ? NULL : profile_limits(who.profile);
	if (limits != NULL && limits->len > 0 &&
		is_wanted(policy_parts(policy)->settings, CHECK_LIMITS))
		key_r->limits = limits;
	return true;
}

/* Find the limit of a mail address or of a domain, as rates_find_text() does. */
static int find_address(const struct settings *settings, const char *mta_name,
	const struct rates *rates, enum rate rate, const char *text, struct rate_match *match_r)
{
	static const struct cidr no_client = { .family = AF_UNSPEC };
	const char *at = strchr(text, '@'), *delimiters = "", *domains = "";
	struct mail_address address, inner, counted;
	struct address_key key;
	int found = rates_find_shortened(rates, rate, text, match_r);

	if (found >= 0)
		return found;
	found = at == NULL ? rates_find_text(rates, rate, text, match_r) : 0;
	if (found == 1 || (at == NULL && strchr(text, '.') != NULL))
		return found;
	if (address_parse(text, strlen(text), &address) != 0)
		return -1;
	counted = address;
	if (settings != NULL) {
		address_innermost(&address, &inner);
		domains = find_counted_address(settings, mta_name, &inner, &counted);
		delimiters = settings->list_delimiter;
	}
	if (rates != NULL &&
		rates_find_address(rates, rate, &counted, domains, delimiters, match_r))
		return rate != RATE_RCPT_SENDER ||
			!rates_exempts(rates, &no_client, NULL, &address);
	if (domains[0] != '\0' && address_at_domain(&counted, domains, &address))
		counted = address;
	address_count_key(&counted, delimiters, &key);
	(void)text_format(match_r->counted, sizeof(match_r->counted), "%s:%s", rate_name(rate),
		key.text);
	return 0;
}

/* *origin_r is set if the text is that of an address or a network. */
static int find_client(const struct rates *rates, enum rate rate, const char *text,
	struct rate_match *match_r, struct ledger_origin *origin_r)
{
	const int found = rates_find_text(rates, rate, text, match_r);
	struct errmsg unused;
	struct cidr client;

	if (found != 1 || cidr_parse(text, &client, &unused) != 0)
		return found;
	*origin_r = check_origin(&client, match_r);
	return rates_exempts(rates, &client, NULL, NULL) ? 0 : 1;
}

/* Return whether text begins with the name of a rate limit, perhaps for sessions with a login;
 * *subject_r is what follows. */
static bool split_rate(const char *text, enum rate *rate_r, bool *of_login_r,
	const char **subject_r)
{
	const size_t len = strcspn(text, ":"), mark_len = sizeof(RATE_OF_LOGIN) - 1;
	char name[32];

	if (text[len] == '\0' || len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	*of_login_r = len > mark_len && strcmp(name + len - mark_len, RATE_OF_LOGIN) == 0;
	if (*of_login_r)
		name[len - mark_len] = '\0';
	*subject_r = text + len + 1;
	return rate_by_name(name, rate_r) && (!*of_login_r || *rate_r == RATE_RCPT_SENDER);
}

bool check_find_key(const struct policy *policy, const char *mta_name, const char *text,
	struct check_key *key_r)
{
	const struct settings *settings = policy == NULL ? NULL : policy_parts(policy)->settings;
	const struct rates *rates = settings == NULL ? NULL : settings->rates;
	struct rate_match match;
	const char *subject;
	bool of_login;
	enum rate rate;
	int found;

	key_r->limits = NULL;
	key_r->origin = (struct ledger_origin){ .family = 0 };
	key_r->may_be_shared = false;
	key_r->attempts = settings == NULL ? 0 : settings->limit_attempts;
	if (!split_rate(text, &rate, &of_login, &subject))
		return find_login(policy,
			strncmp(text, "login:", strlen("login:")) == 0 ? text + strlen("login:") :
									 text,
			key_r);
	if (rates != NULL && !is_wanted(settings, CHECK_RATES))
		rates = NULL;
	if (rate == RATE_CONCURRENCY || rate == RATE_RECIPIENTS)
		return false; /* they count within a connection, and not in the ledger */
	found = rate_is_of_clients(rate) ?
		find_client(rates, rate, subject, &match, &key_r->origin) :
		find_address(settings, mta_name, rates, rate, subject, &match);
	if (found < 0)
		return false;
	if (of_login)
		rate_match_of_login(&match);
	if (rate == RATE_CONN)
		key_r->attempts = 0; /* a connection is never given back */
	if (found == 1) {
		key_r->limits = match.limits;
		key_r->may_be_shared = match.is_default;
	}
	memcpy(key_r->key, match.counted, strlen(match.counted) + 1);
	return true;
}
