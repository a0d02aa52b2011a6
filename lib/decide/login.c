/*
 * Decides whether a login is accepted, by password or token. Owns nothing; any thread may call it
 * if no other thread uses the auth cache at that time.
 */
#include "lib/decide/login.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/auth/password.h"
#include "lib/base/ascii.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/rules/check.h"

/* as long as a usual hash, but not a hash */
static const char no_hash[] = "................................................................"
			      "..........................................";

static void set_answer(struct login_answer *a, enum login_result result, const char *reason)
{
	a->result = result;
	(void)text_format(a->reason, sizeof(a->reason), "%.*s", TEXT_CUT(reason, 199));
}

static void refuse_login(struct login_answer *a, enum login_cause cause, const char *reason)
{
	a->cause = cause;
	set_answer(a, LOGIN_REFUSED, reason);
}

/* Accept correct credentials, unless the user is disabled or suspended. */
static void accept_unless_stopped(const struct login_rules *rules, const char *login, bool enabled,
	struct login_answer *a)
{
	if (strlen(login) >= sizeof(a->login)) {
		refuse_login(a, CAUSE_POLICY, "the login is too long");
		return;
	}
	(void)text_format(a->login, sizeof(a->login), "%s", login);
	if (!enabled)
		refuse_login(a, CAUSE_POLICY, "enabled = false");
	else if (check_is_suspended(rules->policy, rules->suspensions, login))
		refuse_login(a, CAUSE_POLICY, "suspended");
	else
		set_answer(a, LOGIN_ACCEPTED, "");
}

/*
 * Return the length of a login without its domain, if that is the default one. The name of a row
 * may have that domain, and the login may add it once more, so that all of them are left out.
 */
static size_t length_without_domain(const char *login, const char *domain)
{
	const size_t domain_len = strlen(domain);
	size_t len = strlen(login);

	while (domain_len > 0 && len > domain_len + 1 && login[len - domain_len - 1] == '@' &&
		strncasecmp(login + len - domain_len, domain, domain_len) == 0)
		len -= domain_len + 1;
	return len;
}

/* ---- passwords --------------------------------------------------------------- */

/*
 * Find the first user with a usable password whose name is login[0..len), or that with the default
 * domain once or more often. Looks all of these names up, so that the time does not tell whether
 * there is one.
 */
static bool find_any_spelling(const struct policy_parts *parts, const char *login, size_t len,
	struct user *user_r)
{
	const char *domain = parts->settings->default_domain;
	const size_t domain_len = strlen(domain);
	char name[LOGIN_SIZE];
	bool is_found = false;
	struct user user;

	if (len >= sizeof(name))
		return false;
	memcpy(name, login, len);
	for (;;) {
		if (users_find(parts->users, name, len, &user) && !is_found &&
			password_usable(user.password, NULL) == 0) {
			is_found = true;
			*user_r = user;
		}
		if (domain_len == 0 || len + 1 + domain_len >= sizeof(name))
			return is_found;
		name[len] = '@';
		memcpy(name + len + 1, domain, domain_len);
		len += 1 + domain_len;
	}
}

/*
 * Return a hash to be checked in place of an unknown user's. All spellings of a login have the same
 * one, so that the time of the answer reveals as little as possible: that of the user whom one of
 * them finds or, if there is none, that of another user. Like a known user's time, it depends
 * neither on the process nor on the machine, and changes for few logins if others' rows change.
 */
static const char *model_for(const struct policy *policy, const char *login)
{
	const struct policy_parts *parts = policy_parts(policy);
	const size_t len = length_without_domain(login, parts->settings->default_domain);
	struct user user, other;
	const bool has_other = users_pick(parts->users, login, len, password_usable, &other);

	if (find_any_spelling(parts, login, len, &user))
		return user.password;
	return has_other ? other.password : NULL;
}

/* Look up a login that cannot be in the auth cache, so that it costs as much as one that may be. */
static void look_nobody_up(const struct login_rules *rules, const struct login_request *request)
{
	const struct auth_cache_login nobody = { request->login, no_hash, request->secret };

	if (rules->auth_cache != NULL)
		(void)auth_cache_has(rules->auth_cache, &nobody, rules->ticks);
}

static void check_nobody(const struct login_rules *rules, const struct login_request *request,
	const char *model, const char *reason, struct login_answer *a)
{
	look_nobody_up(rules, request);
	if (!rules->may_work) {
		set_answer(a, LOGIN_NEEDS_WORK, "");
		return;
	}
	if (password_check_nobody(model, request->secret) == PASSWORD_FAILED)
		set_answer(a, LOGIN_UNDECIDED, "out of memory");
	else
		refuse_login(a, CAUSE_CREDENTIALS, reason);
}

/*
 * Accept a login from the auth cache. A user who is disabled or suspended is not refused from it,
 * because that would come sooner than the answer to a wrong password. Returns whether the login is
 * accepted.
 */
static bool accept_cached(const struct login_rules *rules, const struct auth_cache_login *login,
	bool enabled, struct login_answer *a)
{
	struct login_answer cached = { .is_cached = true };

	if (rules->auth_cache == NULL || !auth_cache_has(rules->auth_cache, login, rules->ticks))
		return false;
	accept_unless_stopped(rules, login->name, enabled, &cached);
	if (cached.result != LOGIN_ACCEPTED)
		return false;
	*a = cached;
	return true;
}

static void check_password(const struct login_rules *rules, const struct login_request *request,
	struct login_answer *a)
{
	struct auth_cache_login login = { .password = request->secret };
	const char *model = NULL;
	struct user user;

	if (password_is_long(request->secret)) {
		refuse_login(a, CAUSE_CREDENTIALS, "the password is longer than 256 bytes");
		return;
	}
	if (rules->may_work) /* also for a known user, so that both take the same time */
		model = model_for(rules->policy, request->login);
	if (!policy_find_user(rules->policy, request->login, &user)) {
		check_nobody(rules, request, model, "no such user", a);
		return;
	}
	if (password_usable(user.password, NULL) < 0) {
		check_nobody(rules, request, model, "the row has no usable password", a);
		return;
	}
	login.name = user.name;
	login.hash = user.password;
	if (accept_cached(rules, &login, user.enabled, a))
		return;
	if (!rules->may_work) {
		set_answer(a, LOGIN_NEEDS_WORK, "");
		return;
	}
	switch (password_check(user.password, request->secret)) {
	case PASSWORD_RIGHT:
		a->hash = user.password;
		accept_unless_stopped(rules, user.name, user.enabled, a);
		break;
	case PASSWORD_WRONG:
		refuse_login(a, CAUSE_CREDENTIALS, "wrong password");
		break;
	case PASSWORD_FAILED:
		set_answer(a, LOGIN_UNDECIDED, "out of memory");
		break;
	}
}

/* ---- tokens -------------------------------------------------------------------- */

/* Return the mail address that the login of a token claims: MAIL of TOKEN:MAIL, "" for the bare
 * TOKEN; NULL for other logins. */
static const char *claimed_mail(const struct settings *settings, const char *login)
{
	if (settings->token_login[0] != '\0' && strcasecmp(login, settings->token_login) == 0)
		return "";
	return settings_token_mail(settings, login);
}

/* Return whether the address that the client claims is that of the token. */
static bool names_same(const char *said, const char *mail)
{
	struct mail_address address;

	return strcasecmp(said, mail) == 0 ||
		(address_parse(said, strlen(said), &address) == 0 &&
			strcasecmp(address.canon, mail) == 0);
}

static const char keys_unread[] = "the keys for tokens cannot be read";

static void check_token(const struct login_rules *rules, const struct login_request *request,
	struct login_answer *a)
{
	const struct settings *settings = policy_parts(rules->policy)->settings;
	const char *said = claimed_mail(settings, request->login);
	char login[LOGIN_SIZE];
	struct jwt_bearer bearer;
	struct errmsg err;

	if (request->is_mute && said != NULL && said[0] == '\0') {
		refuse_login(a, CAUSE_POLICY,
			"over saslauthd the login must be TOKEN:MAIL, not the bare TOKEN");
		return;
	}
	if (rules->jwt.keys == NULL && settings->token_login[0] != '\0') {
		set_answer(a, LOGIN_UNDECIDED, keys_unread);
		return;
	}
	if (!rules->may_work) {
		set_answer(a, LOGIN_NEEDS_WORK, "");
		return;
	}
	if (jwt_check(&rules->jwt, request->secret, strlen(request->secret), rules->now, &bearer,
		    &err) < 0) {
		if (rules->lacks_keys && bearer.lacks_key)
			set_answer(a, LOGIN_UNDECIDED, keys_unread);
		else
			refuse_login(a, bearer.is_no_guess ? CAUSE_POLICY : CAUSE_CREDENTIALS,
				err.text);
		return;
	}
	said = said == NULL ? request->login : said;
	if (said[0] != '\0' && !names_same(said, bearer.mail)) {
		refuse_login(a, CAUSE_POLICY, "the login is not that of the token");
		return;
	}
	(void)text_format(login, sizeof(login), "%s:%s", settings->token_login, bearer.mail);
	a->has_ignored_audience = bearer.has_ignored_audience;
	accept_unless_stopped(rules, login, true, a);
}

/* ---- both ---------------------------------------------------------------------- */

void login_check(const struct login_rules *rules, const struct login_request *request,
	struct login_answer *answer_r)
{
	struct login_answer a = { .result = LOGIN_UNDECIDED };

	if (rules->policy == NULL) {
		set_answer(&a, LOGIN_UNDECIDED, "no policy yet");
	} else {
		const struct policy_parts *parts = policy_parts(rules->policy);

		if (request->is_bearer || claimed_mail(parts->settings, request->login) != NULL)
			check_token(rules, request, &a);
		else if (parts->lists_only)
			set_answer(&a, LOGIN_UNDECIDED,
				"no users: there is neither a database nor a store");
		else
			check_password(rules, request, &a);
	}
	*answer_r = a;
}

static uint64_t key_of_name(const char *name, size_t len)
{
	char folded[LOGIN_SIZE];
	uint64_t key;

	if (len > sizeof(folded))
		len = sizeof(folded);
	ascii_lower_bytes(name, len, folded);
	key = hash_bytes(folded, len) & ~PENALTY_TOKEN;
	return key == 0 ? 2 : key;
}

static bool has_token(const struct policy *policy, const struct login_request *request)
{
	return request->is_bearer ||
		(policy != NULL &&
			claimed_mail(policy_parts(policy)->settings, request->login) != NULL);
}

uint64_t login_key(const struct policy *policy, const struct login_request *request)
{
	const char *domain = policy == NULL ? "" : policy_parts(policy)->settings->default_domain;

	if (has_token(policy, request))
		return ~hash_bytes(request->secret, strlen(request->secret)) | PENALTY_TOKEN;
	return key_of_name(request->login, length_without_domain(request->login, domain));
}

/*
 * Find the row whose user a login without a token is meant for: the one that the login finds or, if
 * there is none, that of NAME@default_domain. Both are looked up, so that the time does not tell
 * which one there is.
 */
static bool find_owner(const struct policy *policy, const char *login, struct user *user_r)
{
	const char *domain = policy_parts(policy)->settings->default_domain;
	const bool is_found = policy_find_user(policy, login, user_r);
	char name[LOGIN_SIZE];
	struct user other;

	if (domain[0] == '\0' ||
		(size_t)text_format(name, sizeof(name), "%s@%s", login, domain) >= sizeof(name) ||
		!policy_find_user(policy, name, &other))
		return is_found;
	if (!is_found)
		*user_r = other;
	return true;
}

void login_set_owner(const struct policy *policy, const struct login_request *request,
	struct penalty_keys *keys)
{
	uint64_t owner = login_key(policy, request), credential = 0;
	const char *password = no_hash;
	struct user user;
	bool is_found;

	if (policy != NULL && !has_token(policy, request)) {
		is_found = find_owner(policy, request->login, &user);
		if (is_found) {
			owner = key_of_name(user.name, strlen(user.name));
			password = user.password;
		}
		credential =
			hash_bytes(password, strlen(password)); /* also without a row: same time */
		credential = !is_found ? 0 : credential == 0 ? 1 : credential;
	}
	penalty_set_owner(keys, owner, credential);
}

uint64_t login_claimed_key(const struct policy *policy, const char *mail_claim,
	const struct login_request *request)
{
	char mail[JWT_MAIL_SIZE];

	if (!has_token(policy, request))
		return 0;
	jwt_claimed_mail(mail_claim, request->secret, strlen(request->secret), mail);
	return mail[0] == '\0' ? 0 : key_of_name(mail, strlen(mail)) | PENALTY_TOKEN;
}

int login_name(const struct policy *policy, const char *login, char name_r[LOGIN_SIZE])
{
	struct user user;

	if (policy != NULL && !policy_find_user(policy, login, &user))
		return check_login_name(policy, login, name_r);
	if (policy != NULL)
		login = user.name;
	return (size_t)text_format(name_r, LOGIN_SIZE, "%s", login) < LOGIN_SIZE ? 0 : -1;
}
