/*
 * Shows which logins are accepted, refused or
 * undecided, and what each one costs.
 */
#include <crypt.h>
#include <dlfcn.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>

#include "lib/auth/password.h"
#include "lib/auth/penalty.h"
#include "lib/decide/login.h"
#include "lib/rules/check.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/lib/tokens.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW INT64_C(1700000000)

static char hash[384];
static struct made made;
static struct jwt_keys *keys;
static struct suspensions *suspensions;
static struct auth_cache *auth_cache;
static char *token; /* of carol@example.com */

static void set_up(void)
{
	static const uint8_t key[AUTH_CACHE_KEY_SIZE] = { 7 };

	ck_assert_int_eq(password_hash("secret", "sha512", 1000, hash, NULL), 0);
	made_begin(&made);
	made.settings->default_domain = "example.com";
	(void)made_user(&made, &(struct made_user){ "1", "Bob", hash, NULL, NULL, NULL });
	(void)made_user(&made, &(struct made_user){ "2", "off", hash, NULL, NULL, "f" });
	(void)made_user(&made, &(struct made_user){ "3", "nohash", "secret", NULL, NULL, NULL });
	(void)made_user(&made, &(struct made_user){ "4", "halted", hash, NULL, NULL, NULL });
	(void)made_user(&made,
		&(struct made_user){ "5", "dora@example.com", hash, NULL, NULL, NULL });
	(void)made_user(&made, &(struct made_user){ "6", "twin", hash, NULL, NULL, NULL });
	(void)made_user(&made,
		&(struct made_user){ "7", "twin@example.com", hash, NULL, NULL, NULL });
	made_build(&made);
	keys = jwt_keys_new();
	ck_assert_int_eq(jwt_keys_add_secret(keys, SECRET, strlen(SECRET), NULL), 0);
	suspensions = suspensions_new();
	ck_assert_int_eq(suspensions_set(suspensions, "HALTED", true), 1);
	ck_assert_int_eq(suspensions_set(suspensions, "token:dave@example.com", true), 1);
	auth_cache = auth_cache_new(key, 100, 60);
	token = token_sign("{\"alg\":\"HS256\"}",
		"{\"exp\":1700000300,\"mail\":\"Carol@example.com\"}", JWT_HS256, NULL, SECRET,
		strlen(SECRET));
}

static void tear_down(void)
{
	made_end(&made);
	jwt_keys_unref(&keys);
	suspensions_free(&suspensions);
	auth_cache_free(&auth_cache);
	free(token);
}

static struct login_rules rules_of_all(void)
{
	return (struct login_rules){
		.policy = made.policy,
		.jwt = { .keys = keys, .issuer = "", .audience = "", .mail_claim = "mail" },
		.suspensions = suspensions,
		.now = NOW,
		.ticks = 5,
		.may_work = true,
	};
}

#define TOKEN NULL /* the secret is the token */

#define P64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define P256 P64 P64 P64 P64

static const struct {
	const char *login, *secret;
	bool is_bearer, is_mute;
	enum login_result result;
	enum login_cause cause;
	const char *text; /* the new login, or the reason */
} rows[] = {
	{ "Bob", "secret", false, false, LOGIN_ACCEPTED, 0, "Bob" },
	{ "bob", "secret", false, false, LOGIN_ACCEPTED, 0, "Bob" },
	{ "BOB@EXAMPLE.COM", "secret", false, true, LOGIN_ACCEPTED, 0, "Bob" },
	{ "bob@example.org", "secret", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS,
		"no such user" },
	{ "bob", "Secret", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "wrong password" },
	{ "bob", P256, false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "wrong password" },
	{ "bob", P256 "x", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS,
		"longer than 256 bytes" },
	{ "eve", P256 "x", false, true, LOGIN_REFUSED, CAUSE_CREDENTIALS, "longer than 256 bytes" },
	{ "bob", "", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "wrong password" },
	{ "eve", "secret", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "no such user" },
	{ "nohash", "secret", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS,
		"no usable password" },
	{ "off", "secret", false, false, LOGIN_REFUSED, CAUSE_POLICY, "enabled = false" },
	{ "off", "wrong", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "wrong password" },
	{ "halted", "secret", false, false, LOGIN_REFUSED, CAUSE_POLICY, "suspended" },
	{ "token", TOKEN, false, false, LOGIN_ACCEPTED, 0, "token:Carol@example.com" },
	{ "Token", TOKEN, false, false, LOGIN_ACCEPTED, 0, "token:Carol@example.com" },
	{ "token", TOKEN, false, true, LOGIN_REFUSED, CAUSE_POLICY, "TOKEN:MAIL" },
	{ "token:carol@example.com", TOKEN, false, true, LOGIN_ACCEPTED, 0,
		"token:Carol@example.com" },
	{ "token:bob@example.com", TOKEN, false, true, LOGIN_REFUSED, CAUSE_POLICY,
		"not that of the token" },
	{ "token", "secret", false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "no dots" },
	{ "", TOKEN, true, false, LOGIN_ACCEPTED, 0, "token:Carol@example.com" },
	{ "carol@example.com", TOKEN, true, false, LOGIN_ACCEPTED, 0, "token:Carol@example.com" },
	{ "CAROL@EXAMPLE.com", TOKEN, true, false, LOGIN_ACCEPTED, 0, "token:Carol@example.com" },
	{ "token:carol@example.com", TOKEN, true, false, LOGIN_ACCEPTED, 0,
		"token:Carol@example.com" },
	{ "bob", TOKEN, true, false, LOGIN_REFUSED, CAUSE_POLICY, "not that of the token" },
	{ "bob", "secret", true, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "no dots" },
	{ "bob", TOKEN, false, false, LOGIN_REFUSED, CAUSE_CREDENTIALS, "wrong password" },
};

START_TEST(decides_who_may_log_in)
	{
		const struct login_rules rules = rules_of_all();
		const struct login_request request = { rows[_i].login,
			rows[_i].secret == TOKEN ? token : rows[_i].secret, rows[_i].is_bearer,
			rows[_i].is_mute };
		struct login_answer answer;

		login_check(&rules, &request, &answer);
		ck_assert_msg(answer.result == rows[_i].result, "%s: %s", request.login,
			answer.reason);
		if (answer.result == LOGIN_ACCEPTED) {
			ck_assert_msg(strcasecmp(answer.login, rows[_i].text) == 0, "%s",
				answer.login);
		} else {
			ck_assert_int_eq(answer.cause, rows[_i].cause);
			ck_assert_msg(strstr(answer.reason, rows[_i].text) != NULL, "%s",
				answer.reason);
		}
	}
END_TEST

/* Claims for which a token is refused although its signature is right, so that it is no guess. */
static const struct {
	const char *claims, *reason;
} refused_claims[] = {
	{ "{\"exp\":1600000000,\"mail\":\"carol@example.com\"}", "expired" },
	{ "{\"exp\":1700000300,\"nbf\":1700000200,\"mail\":\"carol@example.com\"}", "not valid" },
	{ "{\"exp\":1700000300000,\"mail\":\"carol@example.com\"}", "milliseconds" },
	{ "{\"mail\":\"carol@example.com\"}", "no exp" },
	{ "{\"exp\":1700000300}", "mail is missing" },
	{ "{\"exp\":1700000300,\"mail\":\"carol\"}", "not a mail address" },
	{ "{\"exp\":1700000300,\"mail\":\"dave@example.com\"}", "suspended" },
};
START_TEST(a_genuine_token_is_no_wrong_one)
	{
		const struct login_rules rules = rules_of_all();
		struct login_request request = { .login = "token" };
		struct login_answer answer;
		char *made_token = token_sign("{\"alg\":\"HS256\"}", refused_claims[_i].claims,
			JWT_HS256, NULL, SECRET, strlen(SECRET));

		request.secret = made_token;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert_int_eq(answer.cause, CAUSE_POLICY);
		ck_assert_msg(strstr(answer.reason, refused_claims[_i].reason) != NULL, "%s",
			answer.reason);
		made_token[strlen(made_token) - 3] ^= 1;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert_int_eq(answer.cause, CAUSE_CREDENTIALS);
		free(made_token);
	}
END_TEST

/* Tokens while keys_file cannot be read and the shared secret is in force, and the answer. */
static const struct {
	const char *header;
	const char *key;
	enum login_result result;
} without_file[] = {
	{ "{\"alg\":\"HS256\"}", SECRET, LOGIN_ACCEPTED },
	{ "{\"alg\":\"HS256\"}", "another secret of 32 bytes or more",
		LOGIN_REFUSED }, /* a guess */
	{ "{\"alg\":\"EdDSA\"}", SECRET, LOGIN_UNDECIDED },
	{ "{\"alg\":\"HS512\"}", SECRET, LOGIN_UNDECIDED },
	{ "{\"alg\":\"none\"}", SECRET, LOGIN_REFUSED },
};
START_TEST(a_token_whose_key_may_be_missing_is_undecided)
	{
		struct login_rules rules = rules_of_all();
		struct login_request request = { .login = "token" };
		struct login_answer answer;
		char *made_token = token_sign(without_file[_i].header,
			"{\"exp\":1700000300,\"mail\":\"carol@example.com\"}", JWT_HS256, NULL,
			without_file[_i].key, strlen(without_file[_i].key));
		char *expired = token_sign("{\"alg\":\"HS256\"}",
			"{\"exp\":1600000000,\"mail\":\"carol@example.com\"}", JWT_HS256, NULL,
			SECRET, strlen(SECRET));

		rules.lacks_keys = true;
		request.secret = made_token;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, without_file[_i].result);
		request.secret = expired;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		free(made_token);
		free(expired);
	}
END_TEST

/* Expensive work is left to a worker; a login in the auth cache needs none. */
START_TEST(works_only_where_it_may)
	{
		static const char *const logins[] = { "bob", "eve", "nohash", "token" };
		struct login_rules rules = rules_of_all();
		struct login_request request = { .login = logins[_i], .secret = "secret" };
		struct login_answer answer;

		rules.may_work = false;
		rules.auth_cache = auth_cache;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_NEEDS_WORK);
		if (_i > 0)
			return;
		rules.may_work = true;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_ACCEPTED);
		ck_assert(!answer.is_cached);
		auth_cache_add(auth_cache,
			&(struct auth_cache_login){ answer.login, answer.hash, "secret" }, 5);
		rules.may_work = false;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_ACCEPTED);
		ck_assert(answer.is_cached);
		request.secret = "wrong";
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_NEEDS_WORK);
	}
END_TEST

/* Otherwise the answer would come before that to a wrong password. */
START_TEST(a_remembered_password_is_refused_no_sooner_than_a_wrong_one)
	{
		static const char *const logins[] = { "off", "halted" };
		struct login_rules rules = rules_of_all();
		const struct login_request request = { .login = logins[_i], .secret = "secret" };
		struct login_answer answer;

		auth_cache_add(auth_cache, &(struct auth_cache_login){ logins[_i], hash, "secret" },
			5);
		rules.auth_cache = auth_cache;
		rules.may_work = false;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_NEEDS_WORK);
		rules.may_work = true;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert_int_eq(answer.cause, CAUSE_POLICY);
	}
END_TEST

/* Two logins, and whether attempts at them count together. */
static const struct {
	const char *first, *second;
	bool together;
} spellings[] = {
	{ "bob", "bob@example.com@example.com", true }, /* a row may be named bob@example.com */
	{ "bob@example.com", "BOB@Example.com@EXAMPLE.com@example.com", true },
	{ "bob", "bob@example.com@example.org", false },
	{ "bob", "bob@example.org@example.com", false },
	{ "@example.com", "@example.com@example.com", true },
	{ "Bob", "bob", true },
	{ "bob", "bob@example.com", true },
	{ "BOB@EXAMPLE.com", "bob", true },
	{ "bob", "bob@example.org", false },
	{ "bob", "off", false },
	{ "bob", "bob ", false },
	/* a row whose name has the domain, which must not tell it from a login without a row */
	{ "dora@example.com", "Dora@EXAMPLE.com", true },
	{ "dora@example.com", "dora", true },
	/* without a row */
	{ "eve", "EVE", true },
	{ "eve", "Eve@Example.Com", true },
	{ "eve@example.org", "EVE@example.ORG", true },
	{ "eve", "eve@example.org", false },
	{ "eve@b@example.com", "eve@b", true },
	/* tokens, by themselves */
	{ "token", "bob", false },
	{ "token", "token:bob@example.com", true },
};
START_TEST(all_spellings_of_a_login_have_one_key)
	{
		const struct login_request first = { .login = spellings[_i].first, .secret = "x" },
					   second = { .login = spellings[_i].second,
						   .secret = "x" };

		ck_assert_int_eq(login_key(made.policy, &first) == login_key(made.policy, &second),
			spellings[_i].together);
		ck_assert_uint_ne(login_key(made.policy, &first), 0);
		ck_assert_uint_eq(login_key(made.policy, &first) & PENALTY_TOKEN,
			strncasecmp(first.login, "token", 5) == 0);
	}
END_TEST

/* The rows of Bob and nohash have other passwords. */
static const struct {
	const char *first, *second;
	bool same;
} credentials[] = {
	{ "bob", "BOB@Example.com", true },
	{ "bob", "nohash", false },
	{ "dora", "DORA@example.com", true }, /* "dora" alone finds no row */
	{ "eve", "nobody", true },	      /* none */
	{ "token:bob@example.com", "eve", true },
};
static struct penalty_keys keys_of_row(const struct policy *policy, const char *login)
{
	const struct login_request request = { .login = login, .secret = "x" };
	struct penalty_keys of_row = { .owner = 0 };

	login_set_owner(policy, &request, &of_row);
	return of_row;
}

START_TEST(a_credential_is_that_of_the_row)
	{
		const char *second = credentials[_i].second;
		const uint64_t credential =
			keys_of_row(made.policy, credentials[_i].first).credential;

		ck_assert_int_eq(credential == keys_of_row(made.policy, second).credential,
			credentials[_i].same);
		ck_assert_int_eq(keys_of_row(made.policy, second).credential == 0, _i >= 3);
		ck_assert_uint_eq(keys_of_row(NULL, second).credential, 0);
	}
END_TEST

/* Two logins, and whether the successes of one count for the other. */
static const struct {
	const char *first, *second;
	bool together;
} owners[] = {
	{ "Bob", "bob@EXAMPLE.com", true },
	{ "dora", "DORA@example.com", true }, /* "dora" alone finds no row */
	{ "dora@example.com@example.com", "dora", true },
	{ "twin", "twin@example.com", false }, /* two rows */
	{ "twin@example.com", "TWIN@Example.com@example.com", true },
	{ "TWIN", "twin", true },
	{ "bob", "off", false },
	{ "eve", "bob", false },
	{ "token", "bob", false },
};
START_TEST(successes_count_for_the_row_of_a_login)
	{
		const struct login_request first = { .login = owners[_i].first, .secret = "x" };
		const uint64_t owner = keys_of_row(made.policy, first.login).owner;

		ck_assert_int_eq(owner == keys_of_row(made.policy, owners[_i].second).owner,
			owners[_i].together);
		ck_assert_uint_eq(owner & PENALTY_TOKEN,
			login_key(made.policy, &first) & PENALTY_TOKEN);
		ck_assert_uint_ne(keys_of_row(NULL, first.login).owner, 0);
	}
END_TEST

/* The names under which logins are suspended and counted. */
static const struct {
	const char *login, *name;
} login_names[] = {
	{ "BOB", "Bob" },
	{ "bob@Example.com", "Bob" },
	{ "dora@example.com", "dora@example.com" },
	{ "eve@example.com", "eve@example.com" },
	{ "eve ", "eve " },
	{ "Token:Carol@Example.COM", "token:carol@example.com" },
	{ "token:carol", "token:carol@example.com" },
	{ "token:carol@example.com.", "token:carol@example.com" },
	{ "token:\"ca\\rol\"@example.com", "token:carol@example.com" },
	{ "token:<carol@example.com>", "token:carol@example.com" },
	{ "token:carol@B\u00dccher.example", "token:carol@xn--bcher-kva.example" },
	{ "token:carol@b\u00fccher\u3002example", "token:carol@xn--bcher-kva.example" },
	{ "token:\"carol \"@example.com", "token:\"carol \"@example.com" },
	{ "token:", "token:" },
	{ "token:@example.com", "token:@example.com" },
	{ "token:a\nb@example.com", "token:a\nb@example.com" },
	{ "token", "token" },
};
START_TEST(a_login_has_one_name)
	{
		char name[LOGIN_SIZE];

		ck_assert_int_eq(login_name(made.policy, login_names[_i].login, name), 0);
		ck_assert_str_eq(name, login_names[_i].name);
	}
END_TEST

START_TEST(a_name_is_never_cut)
	{
		char login[LOGIN_SIZE + 1], name[LOGIN_SIZE];

		memset(login, 'x', LOGIN_SIZE);
		login[LOGIN_SIZE] = '\0';
		memcpy(login, "token:", _i == 0 ? 0 : 6);
		ck_assert_int_eq(login_name(made.policy, login, name), -1);
		ck_assert_int_eq(login_name(NULL, login, name), -1);
		login[LOGIN_SIZE - 1] = '\0';
		ck_assert_int_eq(login_name(made.policy, login, name), 0);
		ck_assert_str_eq(name, login);
		ck_assert_int_eq(login_name(NULL, login, name), 0);
	}
END_TEST

START_TEST(each_token_has_a_key)
	{
		const struct login_request one = { .login = "token", .secret = "1" },
					   other = { .login = "token", .secret = "2" },
					   bearer = { .login = "bob",
						   .secret = "1",
						   .is_bearer = true };

		ck_assert_uint_ne(login_key(made.policy, &one), login_key(made.policy, &other));
		ck_assert_uint_eq(login_key(made.policy, &one), login_key(made.policy, &bearer));
	}
END_TEST

/* The claims of a token, and whether they count as those of carol@example.com. */
static const struct {
	const char *login, *claims;
	bool is_carol, is_any;
} claimed[] = {
	{ "token", "{\"mail\":\"carol@example.com\",\"exp\":1}", true, true },
	{ "token:carol@example.com", "{\"mail\":\"Carol@EXAMPLE.com\"}", true, true },
	{ "token:carol@example.com", "{\"mail\":\"dave@example.com\"}", false, true },
	{ "token", "{\"email\":\"carol@example.com\"}", false, false },
	{ "token", "{\"mail\":\"carol\"}", false, false },
	{ "token", "{\"mail\":[\"carol@example.com\"]}", false, false },
	{ "token", "[]", false, false }, { "token", "{", false, false },
	{ "bob", "{\"mail\":\"carol@example.com\"}", false, false }, /* a password */
};
START_TEST(a_token_claims_an_address)
	{
		const struct login_request carol = { .login = "token", .secret = token };
		struct login_request request = { .login = claimed[_i].login };
		char *forged = token_sign("{\"alg\":\"HS256\"}", claimed[_i].claims, JWT_HS256,
			NULL, "another secret of 32 bytes or more", 34);
		uint64_t key;

		request.secret = forged;
		key = login_claimed_key(made.policy, "mail", &request);
		ck_assert_int_eq(key == login_claimed_key(made.policy, "mail", &carol),
			claimed[_i].is_carol);
		ck_assert_int_eq(key != 0, claimed[_i].is_any);
		ck_assert_uint_eq(key & PENALTY_TOKEN, claimed[_i].is_any);
		request.secret = "no token";
		ck_assert_uint_eq(login_claimed_key(made.policy, "mail", &request), 0);
		ck_assert_uint_eq(login_claimed_key(NULL, "mail", &request), 0);
		free(forged);
	}
END_TEST

START_TEST(the_empty_login_has_a_key_and_no_policy_is_needed)
	{
		struct login_request request = { .login = "", .secret = "x" };

		/* a name like any other: saslauthd's clients can send it, and it has to be bounded
		 */
		ck_assert_uint_ne(login_key(made.policy, &request), 0);
		request.login = "@example.com"; /* also one */
		ck_assert_uint_ne(login_key(made.policy, &request), 0);
		request.login = "bob";
		ck_assert_uint_eq(login_key(NULL, &request), login_key(made.policy, &request));
	}
END_TEST

START_TEST(decides_nothing_without_a_policy_or_keys)
	{
		struct login_rules rules = rules_of_all();
		struct login_request request = { .login = "bob", .secret = "secret" };
		struct policy_parts parts = *policy_parts(made.policy);
		struct policy *policy;
		struct login_answer answer;

		rules.policy = NULL;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_UNDECIDED);
		ck_assert_str_eq(answer.reason, "no policy yet");
		rules = rules_of_all();
		rules.jwt.keys = NULL;
		request.login = "token";
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_UNDECIDED);
		parts.lists_only = true;
		policy = policy_new(&parts);
		ck_assert_ptr_nonnull(policy);
		rules.policy = policy;
		request.login = "bob";
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_UNDECIDED);
		made.settings->token_login = "";
		request.is_bearer = true;
		login_check(&rules, &request, &answer);
		ck_assert_int_eq(answer.result, LOGIN_REFUSED);
		ck_assert_str_eq(answer.reason, "there is no key for tokens");
		ck_assert_int_eq(answer.cause, CAUSE_POLICY);
		policy_unref(&policy);
	}
END_TEST

/* A login, the name that is suspended, and whether the login is: rows may be renamed, and a login
 * may be suspended before the first policy. */
static const struct {
	const char *login, *suspended;
	bool is_suspended;
} either[] = {
	{ "Bob", "bob", true },
	{ "Bob", "bob@example.com", true },
	{ "Bob", "BOB@Example.COM", true },
	{ "Bob", "bob@example.org", false },
	{ "dora@example.com", "dora", true },
	{ "dora@example.com", "dora@example.com", true },
	{ "eve", "eve@example.com", true },
	{ "eve@example.com", "eve", true },
	{ "dora", "dora@example.com", true }, /* without a row */
	/* both are rows */
	{ "twin", "twin@example.com", false },
	{ "twin@example.com", "twin", false },
	{ "twin@example.com", "twin@example.com", true },
	{ "token:carol@example.com", "token:carol", false },
};
START_TEST(a_login_is_suspended_under_either_spelling)
	{
		ck_assert(!check_is_suspended(made.policy, NULL, either[_i].login));
		ck_assert_int_eq(suspensions_set(suspensions, either[_i].suspended, true), 1);
		ck_assert_int_eq(check_is_suspended(made.policy, suspensions, either[_i].login),
			either[_i].is_suspended);
	}
END_TEST

START_TEST(a_suspended_user_sends_nothing)
	{
		const struct check_env env = { .policy = made.policy,
			.scratch = made.scratch,
			.suspensions = suspensions };
		struct mail_address address;
		struct facts facts = { .login = "halted", .sender = &address };
		struct verdict verdict;

		ck_assert_int_eq(address_parse("halted@example.com", 18, &address), 0);
		verdict_init(&verdict);
		check_mail(&env, &facts, &verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_REJECT);
		ck_assert_str_eq(verdict_deciding_finding(&verdict)->rule,
			"user halted: suspended");
		verdict_init(&verdict);
		check_rcpt(&env, &facts, &address, &verdict);
		ck_assert_str_eq(verdict_deciding_finding(&verdict)->rule,
			"user halted: suspended");
		ck_assert_int_eq(verdict_deciding_finding(&verdict)->reply.code, 550);
		ck_assert_int_eq(suspensions_set(suspensions, "halted", false), 1);
		verdict_init(&verdict);
		check_mail(&env, &facts, &verdict);
		ck_assert_int_eq(verdict.kind, VERDICT_CONTINUE);
	}
END_TEST

/* The work of a login: keyed hashes of the auth cache, and hashes of passwords with their setting.
 */
static struct work {
	unsigned keyed, passwords;
	char setting[384]; /* of the last one: method, cost and salt */
} work;

static bool is_memory_short; /* for the hashes of passwords */

/* OpenSSL's function, which the auth cache calls. */
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len, const unsigned char *data,
	size_t len, unsigned char *digest, unsigned *digest_len)
{
	unsigned char *(*real)(const EVP_MD *, const void *, int, const unsigned char *, size_t,
		unsigned char *, unsigned *);

	*(void **)&real = dlsym(RTLD_NEXT, "HMAC");
	work.keyed++;
	return real(md, key, key_len, data, len, digest, digest_len);
}

/* libcrypt's function, which checks a password. */
char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
	char *(*real)(const char *, const char *, struct crypt_data *);

	*(void **)&real = dlsym(RTLD_NEXT, "crypt_r");
	work.passwords++;
	(void)snprintf(work.setting, sizeof(work.setting), "%s", setting);
	if (is_memory_short)
		return strcpy(data->output, "*0"); /* as libxcrypt */
	return real(phrase, setting, data);
}

/* may_work: of the check of a password; if not, of the look at the auth cache before it */
static struct work work_of(const struct policy *policy, const char *login, bool may_work)
{
	const struct login_request request = { .login = login, .secret = "wrong" };
	struct login_rules rules = rules_of_all();
	struct login_answer answer;

	rules.policy = policy;
	rules.may_work = may_work;
	rules.auth_cache = auth_cache;
	work = (struct work){ 0 };
	login_check(&rules, &request, &answer);
	ck_assert_int_eq(answer.result, may_work ? LOGIN_REFUSED : LOGIN_NEEDS_WORK);
	return work;
}

START_TEST(an_unknown_user_costs_as_much_as_a_known_one)
	{
		static const char cost[] = "$6$rounds=1000$"; /* that of all rows */
		static const char *const others[] = { "eve", "nohash", "" };

		for (int i = 0; i < COUNT(others); i++) {
			const struct work known = work_of(made.policy, "bob", _i == 1),
					  other = work_of(made.policy, others[i], _i == 1);

			ck_assert_uint_eq(known.keyed, 1);
			ck_assert_uint_eq(other.keyed, 1);
			ck_assert_uint_eq(known.passwords, _i);
			ck_assert_uint_eq(other.passwords, _i);
			if (_i == 0)
				continue;
			ck_assert_int_eq(strncmp(known.setting, cost, strlen(cost)), 0);
			ck_assert_int_eq(strncmp(other.setting, cost, strlen(cost)), 0);
		}
	}
END_TEST

/* Otherwise a right password would be refused as a wrong one, and its client banned. Nor may the
 * answer tell who exists. */
START_TEST(nothing_is_decided_without_memory_for_the_hash)
	{
		static const char *const logins[] = { "bob", "off", "eve", "nohash" };
		const struct login_rules rules = rules_of_all();
		const struct login_request request = { .login = logins[_i], .secret = "secret" };
		struct login_answer answer;

		is_memory_short = true;
		login_check(&rules, &request, &answer);
		is_memory_short = false;
		ck_assert_int_eq(answer.result, LOGIN_UNDECIDED);
		ck_assert_str_eq(answer.reason, "out of memory");
	}
END_TEST

/* A known user costs the same in each spelling that finds the row. So must an unknown one, and a
 * spelling that does not find it, or two spellings would tell who exists. */
START_TEST(each_spelling_of_a_user_costs_the_same)
	{
		/* the rows are a to h, i@example.com and j@example.com */
		static const char *const names[] = { "a", "B", "c", "d", "E", "f", "g", "h", "I",
			"j", "eve", "Mallory" };
		char dear[384], id[2] = "0", name[] = "a@example.com", login[64];
		struct work first, one;

		ck_assert_int_eq(password_hash("secret", "sha512", 10000, dear, NULL), 0);
		made_end(&made);
		made_begin(&made);
		made.settings->default_domain = "example.com";
		for (int i = 0; i < 10; i++, id[0]++, name[0]++) {
			name[1] = i < 8 ? '\0' : '@';
			(void)made_user(&made,
				&(struct made_user){ .id = id,
					.name = name,
					.password = i % 2 == 0 ? hash : dear });
		}
		made_build(&made);
		for (int i = 0; i < COUNT(names); i++) {
			(void)snprintf(login, sizeof(login), "%s", names[i]);
			first = work_of(made.policy, login, true);
			for (int domains = 0; domains < 3; domains++) {
				(void)strcat(login, "@Example.com");
				one = work_of(made.policy, login, true);
				ck_assert_uint_eq(one.keyed, 1);
				ck_assert_uint_eq(one.passwords, 1);
				ck_assert_str_eq(one.setting, first.setting);
			}
		}
	}
END_TEST

START_TEST(suspensions_go_to_a_text_and_come_back)
	{
		struct suspensions *again = suspensions_new();
		struct strbuf text = STRBUF_INIT;

		suspensions_write(suspensions, &text);
		ck_assert_str_eq(text.text, "halted\ntoken:dave@example.com\n");
		ck_assert_int_eq(suspensions_read(again, text.text, text.len, NULL), 0);
		ck_assert_uint_eq(suspensions_count(again), 2);
		ck_assert(suspensions_has(again, "Halted"));
		ck_assert_int_eq(suspensions_read(again, "# of old\n\nx\n", 12, NULL), 0);
		ck_assert(!suspensions_has(again, "halted") && suspensions_has(again, "x"));
		ck_assert_int_eq(suspensions_read(again, "a\nb\tc\n", 6, NULL), -1);
		ck_assert(suspensions_has(again, "x") && !suspensions_has(again, "a"));
		ck_assert_int_eq(suspensions_set(again, "", true), -1);
		ck_assert_int_eq(suspensions_set(again, "a\nb", true), 1);
		ck_assert_int_eq(suspensions_set(again, "a\nb", false), 1);
		ck_assert_int_eq(suspensions_set(again, "x", true), 0);
		ck_assert_int_eq(suspensions_set(again, "x", false), 1);
		ck_assert_uint_eq(suspensions_count(again), 0);
		ck_assert(!suspensions_has(NULL, "x"));
		strbuf_free(&text);
		suspensions_free(&again);
		suspensions_free(&again); /* accepts NULL */
	}
END_TEST

static Suite *login_suite(void)
{
	Suite *suite = suite_create("login");
	TCase *tests = tcase_create("login");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, decides_who_may_log_in, 0, COUNT(rows));
	tcase_add_loop_test(tests, a_genuine_token_is_no_wrong_one, 0, COUNT(refused_claims));
	tcase_add_loop_test(tests, a_token_whose_key_may_be_missing_is_undecided, 0,
		COUNT(without_file));
	tcase_add_loop_test(tests, a_remembered_password_is_refused_no_sooner_than_a_wrong_one, 0,
		2);
	tcase_add_loop_test(tests, works_only_where_it_may, 0, 4);
	tcase_add_loop_test(tests, all_spellings_of_a_login_have_one_key, 0, COUNT(spellings));
	tcase_add_loop_test(tests, a_credential_is_that_of_the_row, 0, COUNT(credentials));
	tcase_add_loop_test(tests, successes_count_for_the_row_of_a_login, 0, COUNT(owners));
	tcase_add_loop_test(tests, a_login_has_one_name, 0, COUNT(login_names));
	tcase_add_loop_test(tests, a_name_is_never_cut, 0, 2);
	tcase_add_test(tests, each_token_has_a_key);
	tcase_add_loop_test(tests, a_token_claims_an_address, 0, COUNT(claimed));
	tcase_add_test(tests, the_empty_login_has_a_key_and_no_policy_is_needed);
	tcase_add_test(tests, decides_nothing_without_a_policy_or_keys);
	tcase_add_loop_test(tests, a_login_is_suspended_under_either_spelling, 0, COUNT(either));
	tcase_add_test(tests, a_suspended_user_sends_nothing);
	tcase_add_loop_test(tests, an_unknown_user_costs_as_much_as_a_known_one, 0, 2);
	tcase_add_loop_test(tests, nothing_is_decided_without_memory_for_the_hash, 0, 4);
	tcase_add_test(tests, each_spelling_of_a_user_costs_the_same);
	tcase_add_test(tests, suspensions_go_to_a_text_and_come_back);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN_ALONE(login_suite)
