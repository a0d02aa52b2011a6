/*
 * Shows that every default is that of the option table, that every kind of value is read, that
 * errors tell what would be right, and how secret files and references work.
 */
#include "lib/conf/config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/auth/sasl_mechanisms.h"
#include "lib/conf/option_value.h"
#include "lib/conf/options.h"
#include "t/unit/lib/made_config.h"
#include "t/unit/unit.h"

/* The member into which config_parse("") put the value of an option; NULL if it has none. */
static const void *member_of(const struct config *c, const struct config_option *option)
{
	switch (option->home) {
	case HOME_CONFIG:
		return (const char *)c + option->offset;
	case HOME_SETTINGS:
		return (const char *)c->settings + option->offset;
	case HOME_SERVICE:
		return (const char *)&c->settings->services[0] + option->offset;
	case HOME_NOWHERE:
		break;
	}
	return NULL;
}

static void check_same_networks(const struct service *got, const struct service *want)
{
	size_t i;

	ck_assert_uint_eq(got->exempt_count, want->exempt_count);
	for (i = 0; i < want->exempt_count; i++)
		ck_assert_mem_eq(&got->exempt[i], &want->exempt[i], sizeof(struct cidr));
}

/*
 * A default that is written anywhere but in the table differs from it as soon as the table changes.
 */
START_TEST(every_default_is_its_fallback_in_the_table)
	{
		const struct config *c = made_config("");
		struct settings *settings = settings_new();
		struct service service = { 0 };
		struct config blank = { .arena = arena_new(4096), .folder = c->folder };
		const struct option_homes homes = { &blank, settings, &service };
		const struct config_option *all;
		const void *got, *want;
		size_t count, i, seen = 0;
		struct errmsg err = { "" };

		all = options_all(&count);
		for (i = 0; i < count; i++) {
			if (all[i].home == HOME_NOWHERE ||
				(all[i].flags & (OPTION_DERIVED | OPTION_CHOSEN)))
				continue;
			got = member_of(c, &all[i]);
			ck_assert_msg(option_set(&all[i], &homes, all[i].fallback, &err) == 0, "%s",
				err.text);
			want = all[i].home == HOME_CONFIG ? (const char *)&blank + all[i].offset :
				all[i].home == HOME_SETTINGS ?
							    (const char *)settings + all[i].offset :
							    (const char *)&service + all[i].offset;
			if (all[i].type == OPTION_NETWORKS)
				check_same_networks(&c->settings->services[0], &service);
			else if (all[i].size == sizeof(char *) && all[i].type != OPTION_SIZE)
				ck_assert_str_eq(*(const char *const *)got,
					*(const char *const *)want);
			else
				ck_assert_mem_eq(got, want, all[i].size);
			seen++;
		}
		ck_assert_uint_gt(seen, 60);
		arena_free(&blank.arena);
		settings_unref(&settings);
		config_unref(&c);
	}
END_TEST

/* The keys of [lists] that have their defaults from [profile]. local_domains ends with an empty
 * name. */
static const struct {
	const char *text, *delimiter, *domains;
	size_t domains_len;
} derived[] = {
	{ "", "+", "", 1 },
	{ "[profile]\nrecipient_delimiter = -\ndefault_domain = Corp.example\n", "-",
		"corp.example\0", 14 },
	{ "[profile]\nrecipient_delimiter =\ndefault_domain = corp.example\n[lists]\n"
	  "local_domains =\nrecipient_delimiter = +-\n",
		"+-", "", 1 },
	{ "[lists]\nrecipient_delimiter =\nlocal_domains = A.example, b\303\274cher.example\n"
	  "[profile]\nrecipient_delimiter = +\n",
		"", "a.example\0xn--bcher-kva.example\0", 33 },
};
START_TEST(keys_of_lists_have_their_defaults_from_profile)
	{
		const struct config *c = made_config(derived[_i].text);

		ck_assert_str_eq(c->settings->list_delimiter, derived[_i].delimiter);
		ck_assert_mem_eq(c->settings->local_domains, derived[_i].domains,
			derived[_i].domains_len);
		config_unref(&c);
	}
END_TEST

START_TEST(an_empty_file_gives_the_defaults_and_values_derived_from_them)
	{
		const struct config *c = made_config("");
		const struct settings *s = c->settings;

		ck_assert_uint_eq(s->service_count, 1);
		ck_assert_ptr_null(s->services[0].name);
		ck_assert_int_eq(s->unknown_user, UNKNOWN_REJECT);
		ck_assert_str_eq(s->unknown_profile, "");
		ck_assert_str_eq(s->token_login, ""); /* without a key there are no tokens */
		ck_assert_ptr_null(s->rates);
		ck_assert_uint_eq(c->auth.mechanisms, SASL_BIT(SASL_MECHANISMS) - 1); /* all */
		ck_assert(!c->database.present);
		ck_assert_str_eq(c->database.conninfo, "");
		ck_assert_uint_eq(problems_count(c->warnings), 0);
		config_unref(&c);
	}
END_TEST

static const char everything[] =
	"[check submission] ; before [check]: it takes what that says all the same\n"
	"helo = warn\n"
	"exempt = 10.0.0.0/8, 2001:db8::/32\n"
	"[check]\n"
	"any = TRUE\n"
	"conn = off ; a comment\n"
	"mail = 1\n"
	"rcpt = warn # another\n"
	"authenticated = apply\n"
	"exempt =\n"
	"[check smtps]\n"
	"[rcpt]\n"
	"accept = strict\n"
	"[deny_msg]\n"
	"mail = Sender refused: 100% sure; # not a comment\n"
	"rcpt = Nope  (continued) ; neither\n"
	"helo =\n"
	"[milter]\n"
	"socket = unix:run/p.sock\n"
	"on_error = Accept\n"
	"results_header =             ; X-Postern-Results\n"
	"results_names = no\n"
	"[lists]\n"
	"directory = lists\n"
	"max_file = 64k\n"
	"[profile]\n"
	"default_domain = B\xc3\xbc"
	"cher.Example.\n"
	"recipient_delimiter =\n"
	"unknown_user = sales team\n"
	"[database]\n"
	"poll_interval = 2m\n"
	"[auth]\n"
	"mechanisms = plain, XOAUTH2\n"
	"saslauthd = inet:8895@[::1]\n"
	"[log]\n"
	"level = Debug\n";

START_TEST(every_kind_of_value_arrives)
	{
		const struct config *c = made_config(everything);
		struct settings *s = c->settings;
		const struct service *submission = settings_service(s, "submission");
		const struct service *smtps = settings_service(s, "smtps");

		ck_assert_uint_eq(s->service_count, 3);
		ck_assert_int_eq(s->services[0].mode[CHECK_ANY], MODE_YES);
		ck_assert_int_eq(s->services[0].mode[CHECK_CONN], MODE_NO);
		ck_assert_int_eq(s->services[0].mode[CHECK_HELO], MODE_NO);
		ck_assert_int_eq(s->services[0].mode[CHECK_MAIL], MODE_YES);
		ck_assert_int_eq(s->services[0].mode[CHECK_RCPT], MODE_WARN);
		ck_assert_uint_eq(s->services[0].exempt_count, 0);
		ck_assert_int_eq(submission->mode[CHECK_HELO], MODE_WARN);
		ck_assert_int_eq(submission->mode[CHECK_CONN], MODE_NO);
		ck_assert(submission->authenticated_apply);
		ck_assert_uint_eq(submission->exempt_count, 2);
		ck_assert_int_eq(submission->exempt[1].prefix_len, 32);
		ck_assert_ptr_ne(smtps, submission);
		ck_assert_ptr_ne(smtps, &s->services[0]);
		ck_assert_int_eq(smtps->mode[CHECK_RCPT], MODE_WARN);

		ck_assert_int_eq(s->rcpt_accept, ACCEPT_STRICT);
		ck_assert_str_eq(s->deny_mail, "Sender refused: 100% sure; # not a comment");
		ck_assert_str_eq(s->deny_rcpt, "Nope  (continued) ; neither");
		ck_assert_str_eq(s->deny_helo, "");
		ck_assert_str_eq(c->milter.socket, "unix:/etc/p/run/p.sock");
		ck_assert_int_eq(s->on_error, ON_ERROR_ACCEPT);
		ck_assert_str_eq(s->results_header, "");
		ck_assert_str_eq(c->lists.directory, "/etc/p/lists");
		ck_assert_uint_eq(c->lists.max_file, 65536);
		ck_assert_str_eq(s->default_domain, "xn--bcher-kva.example");
		ck_assert_str_eq(s->recipient_delimiter, "");
		ck_assert_int_eq(s->unknown_user, UNKNOWN_PROFILE);
		ck_assert_str_eq(s->unknown_profile, "sales team");
		ck_assert(c->database.present);
		ck_assert_uint_eq(c->database.poll_interval, 120);
		ck_assert_uint_eq(c->auth.mechanisms,
			SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_XOAUTH2));
		ck_assert_str_eq(c->auth.saslauthd, "inet:8895@[::1]");
		ck_assert_str_eq(c->log.level, "debug");
		config_unref(&c);
	}
END_TEST

/* Each error tells what is wrong and what would be right. */
static const struct {
	const char *text, *err;
} bad[] = {
	{ "any = yes\n", "/etc/p/p.conf:1: any precedes the first [SECTION]" },
	{ "[chekc]\n", "/etc/p/p.conf:1: unknown section [chekc]; did you mean [check]?" },
	{ "[Check]\n", "/etc/p/p.conf:1: unknown section [Check]; did you mean [check]?" },
	{ "[proxies]\n",
		"/etc/p/p.conf:1: unknown section [proxies]; the sections are [milter] [lists] [check] "
		"[rcpt] [deny_msg] [database] [store] [profile] [limits] [limit] [auth] [jwt] [control] "
		"[log]" },
	{ "[check ]\n\n[check]\n",
		"/etc/p/p.conf:3: [check] is repeated; it first appears in line 1" },
	{ "[check a]\n[check A]\n", "/etc/p/p.conf:2: [check A] is repeated (case is ignored)" },
	{ "[check a]\n[check a]\n",
		"/etc/p/p.conf:2: [check a] is repeated; it first appears in line 1" },
	{ "[log]\nlevel=info\nlevel=info\n",
		"/etc/p/p.conf:3: [log] level is repeated; it first appears in line 2" },
	{ "[check]\nconnn = yes\n",
		"/etc/p/p.conf:2: unknown key connn in [check]; did you mean conn?" },
	{ "[check a]\nconnn = yes\n",
		"/etc/p/p.conf:2: unknown key connn in [check a]; did you mean conn?" },
	{ "[limits]\nconnect = yes\n",
		"/etc/p/p.conf:2: unknown key connect in [limits]; the keys are count, on_limit, attempts, state, "
		"max_keys, max_memory" },
	{ "[milter]\nfacility = mail\n",
		"/etc/p/p.conf:2: unknown key facility in [milter]; it belongs to [log]" },
	{ "[database]\ndefault_domain = example.com\n",
		"/etc/p/p.conf:2: unknown key default_domain in [database]; use default_domain in "
		"[profile]" },
	{ "[database]\njwt_secret = x\n",
		"/etc/p/p.conf:2: unknown key jwt_secret in [database]; use secret in [jwt]" },
	{ "[database]\nuse_file_cache = true\n",
		"/etc/p/p.conf:2: unknown key use_file_cache in [database]; use path in [store] "
		"(empty: no file)" },
	{ "[check]\nany = maybe\n",
		"/etc/p/p.conf:2: [check] any: \"maybe\" is not yes, no or warn" },
	{ "[check]\nany =\n", "/etc/p/p.conf:2: [check] any: empty; it must be yes, no or warn" },
	{ "[check a]\nany = 2\n", "/etc/p/p.conf:2: [check] any: \"2\" is not yes, no or warn" },
	{ "[rcpt]\naccept = warn\n",
		"/etc/p/p.conf:2: [rcpt] accept: \"warn\" is not yes, no or strict" },
	{ "[milter]\ndelay_reject = warn\n",
		"/etc/p/p.conf:2: [milter] delay_reject: \"warn\" is not yes or no" },
	{ "[database]\nport = 65536\n",
		"/etc/p/p.conf:2: [database] port: \"65536\" is not a number from 1 to 65535" },
	{ "[database]\nport = 54 32\n",
		"/etc/p/p.conf:2: [database] port: \"54 32\" is not a number from 1 to 65535" },
	{ "[database]\nport = 5m\n",
		"/etc/p/p.conf:2: [database] port: \"5m\" is not a number from 1 to 65535" },
	{ "[database]\npoll_interval = 0\n",
		"/etc/p/p.conf:2: [database] poll_interval: \"0\" is not a time from 1s to 1d (a number "
		"of seconds, or one with s, m, h or d)" },
	{ "[database]\npoll_interval = 99999999999999999999d\n",
		"/etc/p/p.conf:2: [database] poll_interval: \"99999999999999999999d\" is not a time "
		"from 1s to 1d (a number of seconds, or one with s, m, h or d)" },
	{ "[database]\npoll_interval = -5s\n",
		"/etc/p/p.conf:2: [database] poll_interval: \"-5s\" is not a time from 1s to 1d (a "
		"number of seconds, or one with s, m, h or d)" },
	{ "[database]\npoll_interval = 10 s\n",
		"/etc/p/p.conf:2: [database] poll_interval: \"10 s\" is not a time from 1s to 1d (a "
		"number of seconds, or one with s, m, h or d)" },
	{ "[lists]\nmax_file = 5G\n",
		"/etc/p/p.conf:2: [lists] max_file: \"5G\" is not a size from 1k to 4G (a number of "
		"bytes, or one with k, M or G)" },
	{ "[milter]\nsocket_mode = 0888\n",
		"/etc/p/p.conf:2: [milter] socket_mode: \"0888\" is not octal permissions, such as "
		"0660" },
	{ "[milter]\nsocket_mode = 7777\n",
		"/etc/p/p.conf:2: [milter] socket_mode: \"7777\" is not octal permissions, such as "
		"0660" },
	{ "[milter]\nsocket = inet:127.0.0.1:8894\n",
		"/etc/p/p.conf:2: [milter] socket: \"inet:127.0.0.1:8894\" is not unix:PATH or "
		"inet:PORT@HOST; write Postfix's inet:127.0.0.1:8894 as inet:8894@127.0.0.1" },
	{ "[milter]\nsocket = inet:99999@localhost\n",
		"/etc/p/p.conf:2: [milter] socket: \"inet:99999@localhost\" is not unix:PATH or "
		"inet:PORT@HOST; the port must be from 1 to 65535" },
	{ "[milter]\nsocket = postern.sock\n",
		"/etc/p/p.conf:2: [milter] socket: \"postern.sock\" is not unix:PATH or "
		"inet:PORT@HOST" },
	{ "[profile]\nrecipient_delimiter = none\n",
		"/etc/p/p.conf:2: [profile] recipient_delimiter: \"none\": 'n' cannot begin an address "
		"extension; write characters such as +, or nothing if there are no extensions" },
	{ "[lists]\nrecipient_delimiter = +a\n",
		"/etc/p/p.conf:2: [lists] recipient_delimiter: \"+a\": 'a' cannot begin an address "
		"extension; write characters such as +, or nothing if there are no extensions" },
	{ "[lists]\nrecipient_delimiter = \"+\"\n",
		"/etc/p/p.conf:2: [lists] recipient_delimiter: \"\"+\"\": '\"' cannot begin an address "
		"extension; write characters such as +, or nothing if there are no extensions" },
	{ "[profile]\ndefault_domain = @example.com\n",
		"/etc/p/p.conf:2: [profile] default_domain: \"@example.com\" is not a domain name, such "
		"as example.com" },
	{ "[milter]\nresults_header = X-Results:\n",
		"/etc/p/p.conf:2: [milter] results_header: \"X-Results:\" is not a header field's name, "
		"such as X-Postern-Results" },
	{ "[milter]\nresults_header = Subject\n",
		"/etc/p/p.conf:2: [milter] results_header: mail already has fields named Subject; "
		"write another name, such as X-Postern-Results" },
	{ "[check]\nexempt = 10.0.0.0/8 192.0.2.1/24\n",
		"/etc/p/p.conf:2: [check] exempt: \"192.0.2.1/24\" has host bits set; the network is "
		"192.0.2.0/24" },
	{ "[auth]\nmechanisms = PLAIN CRAM-MD5\n",
		"/etc/p/p.conf:2: [auth] mechanisms: \"PLAIN CRAM-MD5\" is not one or more of PLAIN, LOGIN, "
		"OAUTHBEARER or XOAUTH2" },
	{ "[auth]\nmechanisms =  ,\n",
		"/etc/p/p.conf:2: [auth] mechanisms: \",\" is not one or more of PLAIN, LOGIN, OAUTHBEARER or "
		"XOAUTH2" },
	{ "[log]\nfacility = post\n",
		"/etc/p/p.conf:2: [log] facility: \"post\" is not mail, daemon, auth, user, local0, "
		"local1, local2, local3, local4, local5, local6 or local7" },
	{ "[profile]\nrecipient_delimiter = 12345678901234567\n",
		"/etc/p/p.conf:2: [profile] recipient_delimiter: \"12345678901234567\" is not text of "
		"at most 16 bytes" },
	{ "[database]\nconninfo = host=a\nuser = b\n",
		"/etc/p/p.conf:3: [database] user: conninfo is set in line 2; put this "
		"parameter there" },
	{ "[database]\npassword = a\npassword_file = b\n",
		"/etc/p/p.conf:3: [database] password_file: password is also set in line 2; "
		"set only one of them" },
	{ "[jwt]\nsecret_file = nonexistent\n",
		"/etc/p/p.conf:2: [jwt] secret_file: /etc/p/nonexistent: No such file or directory" },
};
START_TEST(an_error_gives_the_place_and_the_correction)
	{
		struct errmsg err = { "" };
		const struct config *config = NULL;

		ck_assert_int_eq(config_parse("/etc/p/p.conf", bad[_i].text, strlen(bad[_i].text),
					 &config, &err),
			-1);
		ck_assert_ptr_null(config);
		ck_assert_str_eq(err.text, bad[_i].err);
	}
END_TEST

START_TEST(it_lives_as_long_as_its_last_reference)
	{
		const struct config *c = made_config("[database]\npassword = swordfish\n"), *other;
		const struct config *none = NULL;

		other = config_ref(c);
		ck_assert_ptr_eq(other, c);
		config_unref(&c);
		ck_assert_ptr_null(c);
		ck_assert_str_eq(other->database.conninfo, "password='swordfish'");
		config_unref(&other);
		config_unref(&none);
		ck_assert_ptr_null(config_ref(NULL));
	}
END_TEST

START_TEST(a_long_value_is_shown_cut)
	{
		struct errmsg err = { "" };
		const struct config *config = NULL;
		char text[400] = "[check]\nany = ";
		size_t i;

		for (i = 0; i < 60; i++)
			(void)strcat(text, "\xe2\x82\xac");
		ck_assert_int_eq(config_parse("p", text, strlen(text), &config, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "\xac\"... is not yes, no or warn"));
		ck_assert_uint_lt(strlen(err.text), 150);
	}
END_TEST

static const struct {
	const char *text, *want;
} conninfos[] = {
	{ "[database]\n", "" },
	{ "[database]\nconninfo = host=a dbname=b\n", "host=a dbname=b" },
	{ "[database]\nuser = pguser\ndatabase = haraka\npassword = it's \\ here\nhost = db1,db2\n"
	  "port = 5432\nschema = haraka\nmax = 20\nidleTimeoutMillis = 30000\n",
		"host='db1,db2' port='5432' dbname='haraka' user='pguser' "
		"password='it\\'s \\\\ here'" },
	{ "[database]\nconninfo = host=a\npassword = p\n", "host=a password='p'" },
	{ "[database]\nconninfo = postgresql://u@h/d\npassword = p/%\n",
		"postgresql://u@h/d?password=p%2F%25" },
	{ "[database]\nconninfo = postgres://h/d?sslmode=require\npassword = p\n",
		"postgres://h/d?sslmode=require&password=p" },
	{ "[database]\nconninfo = postgres://h/d\n", "postgres://h/d" },
};
START_TEST(the_connection_string_is_quoted)
	{
		const struct config *c = made_config(conninfos[_i].text);

		ck_assert_str_eq(c->database.conninfo, conninfos[_i].want);
		config_unref(&c);
	}
END_TEST

START_TEST(an_ignored_key_is_a_warning)
	{
		const struct config *c =
			made_config("[database]\nmax = 20\nidleTimeoutMillis = 30000\n");

		ck_assert_uint_eq(problems_count(c->warnings), 2);
		ck_assert_str_eq(problems_text(c->warnings, 0),
			"/etc/p/p.conf:2: [database] max: ignored key of pg-profile.json: Postern has one "
			"connection");
		config_unref(&c);
	}
END_TEST

/* Settings that cannot have an effect; NULL: they have one. */
static const struct {
	const char *text, *problem, *note;
} effects[] = {
	{ "[auth]\nmechanisms = OAUTHBEARER\n",
		"/etc/p/p.conf:2: [auth] mechanisms: these are for tokens only, but [jwt] has no key",
		NULL },
	{ "[auth]\nmechanisms = XOAUTH2 OAUTHBEARER\n[jwt]\nissuer = https://i.example\n",
		"these are for tokens only",
		"/etc/p/p.conf:4: [jwt] issuer: no token is accepted" },
	{ "[auth]\nmechanisms = XOAUTH2 PLAIN\n", NULL, NULL },
	{ "[auth]\nmechanisms = XOAUTH2\nsocket = none\n", NULL, NULL },
	{ "[auth]\nmechanisms = XOAUTH2\n[jwt]\nkeys_file = keys\nissuer = i\n", NULL, NULL },
	{ "[jwt]\nprofile = staff\n", NULL, "[jwt] profile: no token is accepted" },
	{ "[check submission smtps]\nconn = no\n",
		"/etc/p/p.conf: [check submission smtps] applies to no service", NULL },
	{ "[check submission,smtps]\nconn = no\n", "[check submission,smtps]", NULL },
	{ "[check \"submission\"]\nconn = no\n", "[check \"submission\"]", NULL },
	{ "[check *]\nconn = no\n", "[check *]", NULL },
	{ "[limit]\nexempt_logins = al, bob\u200b\n",
		"/etc/p/p.conf:2: [limit] exempt_logins: \"bob\u200b\" contains the invisible "
		"character U+200B, which the client must send, too; remove it",
		NULL },
	{ "[limit]\nexempt_logins = \ufeffal bob\n",
		"\"\ufeffal\" contains the invisible character U+FEFF", NULL },
	{ "[limit]\nexempt_logins = bob\u00a0\n", "contains the white space U+00A0", NULL },
	{ "[limit]\nexempt_logins = \u0645\u06cc\u200c\u062e j\u00f6rg\n", NULL, NULL },
	{ "[jwt]\nkeys_file = keys\nlogin = api\u200b\n",
		"/etc/p/p.conf:3: [jwt] login: \"api\u200b\" contains the invisible character",
		NULL },
	{ "[check mx.corp.example]\nconn = no\n[check MTA-v6]\nconn = no\n", NULL, NULL },
};
START_TEST(a_setting_without_an_effect_is_reported)
	{
		const struct config *c = made_config(effects[_i].text);

		ck_assert_uint_eq(problems_count(c->warnings), effects[_i].problem != NULL);
		if (effects[_i].problem != NULL)
			ck_assert_ptr_nonnull(
				strstr(problems_text(c->warnings, 0), effects[_i].problem));
		ck_assert_uint_eq(problems_level_kept(c->warnings, PROBLEM_NOTE),
			effects[_i].note != NULL);
		if (effects[_i].note != NULL)
			ck_assert_ptr_nonnull(
				strstr(problems_level_text(c->warnings, PROBLEM_NOTE, 0),
					effects[_i].note));
		config_unref(&c);
	}
END_TEST

START_TEST(keys_that_need_a_restart_are_found)
	{
		const struct config *a = made_config("[log]\nlevel = info\n");
		const struct config *b =
			made_config("[log]\nlevel = debug\nfacility = daemon\n[milter]\n"
				    "socket_mode = 0600\non_error = accept\n");
		struct problems *changed = problems_new();

		ck_assert_uint_eq(config_restart_needed(a, a, changed), 0);
		ck_assert_uint_eq(config_restart_needed(a, b, changed), 2);
		ck_assert_str_eq(problems_text(changed, 0), "[milter] socket_mode");
		ck_assert_str_eq(problems_text(changed, 1), "[log] facility");
		problems_free(&changed);
		config_unref(&a);
		config_unref(&b);
	}
END_TEST

/* The tests of files use a directory of their own. */
static char folder[] = "/tmp/check_config.XXXXXX";

static void make_folder(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
	(void)unlink("p.conf");
	(void)unlink("secret");
	(void)unlink("store.json");
	(void)unlink("store.json.prev");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
	ck_assert_int_eq(chmod(name, mode), 0);
}

static const struct config *load(void)
{
	struct errmsg err = { "" };
	const struct config *config = NULL;

	if (config_load("p.conf", &config, &err) < 0)
		ck_abort_msg("%s", err.text);
	return config;
}

START_TEST(secrets_are_read_from_private_files)
	{
		struct errmsg err = { "" };
		const struct config *c;

		put("p.conf", "[database]\npassword_file = secret\n[jwt]\nsecret_file = secret\n",
			0644);
		put("secret", "swordfish of thirty-three bytes.\n", 0600);
		c = load();
		ck_assert_str_eq(c->database.conninfo,
			"password='swordfish of thirty-three bytes.'");
		ck_assert_str_eq(c->jwt.secret, "swordfish of thirty-three bytes.");
		ck_assert_uint_eq(problems_count(c->warnings), 0);
		config_unref(&c);
		put("secret", "\xef\xbb\xbfswordfish of thirty-three bytes.\r\n", 0600);
		c = load();
		ck_assert_str_eq(c->jwt.secret, "swordfish of thirty-three bytes.");
		config_unref(&c);
		put("secret", "swordfish of thirty-three bytes.\n", 0640);
		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "p.conf:2: [database] password_file: "));
		ck_assert_ptr_nonnull(strstr(err.text, "its mode is 0640"));
		put("secret", "swordfish of thirty-three bytes.\nand more\n", 0600);
		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_ptr_nonnull(
			strstr(err.text, "secret: contains more than one line of text"));
		ck_assert_ptr_null(strstr(err.text, "swordfish of thirty-three bytes."));
		put("secret", "swordfish\n", 0600);
		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text,
			"p.conf:4: [jwt] secret_file: the shared secret has 9 bytes; it needs at least 32"));
		put("secret", "\xef\xbb\xbf\n", 0600);
		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "secret: is empty"));
		put("secret", "\n", 0600);
		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "secret: is empty"));
		put("p.conf", "[database]\nconninfo = password=swordfish\nport=1\n", 0644);
		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_ptr_null(strstr(err.text, "swordfish of thirty-three bytes."));
	}
END_TEST

START_TEST(a_secret_that_everybody_can_read_is_a_warning)
	{
		const struct config *c;

		put("p.conf", "[database]\npassword = swordfish\n", 0644);
		c = load();
		ck_assert_uint_eq(problems_count(c->warnings), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(c->warnings, 0),
			"every user of this machine can read it"));
		ck_assert_ptr_nonnull(strstr(problems_text(c->warnings, 0), "(chgrp postern)"));
		ck_assert_ptr_null(strstr(problems_text(c->warnings, 0), "swordfish"));
		config_unref(&c);
		put("p.conf", "[database]\npassword = swordfish\n", 0640);
		c = load();
		ck_assert_uint_eq(problems_count(c->warnings), 0);
		config_unref(&c);
	}
END_TEST

/* 107 bytes */
#define SEVEN "seven67"
#define LONG_PATH                                                                                 \
	SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN \
		"xx"

/* Each error appears once, and none hides another; keys of an unknown section are no errors. */
START_TEST(all_errors_are_reported)
	{
		static const char *const errors[] = {
			"p.conf:2: [milter] socket: \"inet:0@h\" is not unix:PATH or inet:PORT@HOST; "
			"the port must be from 1 to 65535",
			"p.conf:3: unknown key sockett in [milter]; did you mean socket?",
			"p.conf:4: unknown section [chekk]; did you mean [check]?",
			"p.conf:6: text after ]; only a comment may follow the section's name",
			"p.conf:8: [control] socket: the path /" LONG_PATH
			" has 108 bytes; that of a socket has at most 107",
			"p.conf:14: [auth] saslauthd: /run/saslauthd/ ends with / like a directory; "
			"add the name of the socket",
			"p.conf:12: [check] helo: \"maybe\" is not yes, no or warn",
			"p.conf:10: [jwt] secret: the shared secret has 5 bytes; it needs at least 32",
		};
		struct problems *problems = problems_new();
		const struct config *c = NULL;
		struct errmsg err = { "" };

		put("p.conf",
			"[milter]\nsocket = inet:0@h\nsockett = x\n[chekk]\nmail = maybe\n[log]x\n"
			"[control]\nsocket = /" LONG_PATH "\n[jwt]\nsecret = short\n[check a]\n"
			"helo = maybe\n[auth]\nsaslauthd = unix:/run/saslauthd/\n",
			0600);
		ck_assert_int_eq(config_load_all("p.conf", NULL, &c, problems, &err), -1);
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			ck_assert_uint_lt(i, problems_kept(problems));
			ck_assert_str_eq(problems_text(problems, i), errors[i]);
		}
		ck_assert_uint_eq(problems_count(problems), sizeof(errors) / sizeof(errors[0]));
		ck_assert_str_eq(err.text, errors[0]);
		ck_assert_ptr_null(c);
		problems_free(&problems);
	}
END_TEST

START_TEST(a_missing_file_is_reported)
	{
		struct errmsg err = { "" };
		const struct config *c;

		ck_assert_int_eq(config_load("p.conf", &c, &err), -1);
		ck_assert_str_eq(err.text, "p.conf: No such file or directory");
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *text = tcase_create("text"), *files = tcase_create("files");

	tcase_add_test(text, every_default_is_its_fallback_in_the_table);
	tcase_add_loop_test(text, keys_of_lists_have_their_defaults_from_profile, 0,
		(int)(sizeof(derived) / sizeof(derived[0])));
	tcase_add_test(text, an_empty_file_gives_the_defaults_and_values_derived_from_them);
	tcase_add_test(text, every_kind_of_value_arrives);
	tcase_add_loop_test(text, an_error_gives_the_place_and_the_correction, 0, ROWS(bad));
	tcase_add_test(text, a_long_value_is_shown_cut);
	tcase_add_test(text, it_lives_as_long_as_its_last_reference);
	tcase_add_loop_test(text, the_connection_string_is_quoted, 0, ROWS(conninfos));
	tcase_add_loop_test(text, a_setting_without_an_effect_is_reported, 0, ROWS(effects));
	tcase_add_test(text, an_ignored_key_is_a_warning);
	tcase_add_test(text, keys_that_need_a_restart_are_found);
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(files, make_folder, remove_folder);
	tcase_add_test(files, secrets_are_read_from_private_files);
	tcase_add_test(files, a_secret_that_everybody_can_read_is_a_warning);
	tcase_add_test(files, all_errors_are_reported);
	tcase_add_test(files, a_missing_file_is_reported);
	suite_add_tcase(suite, files);
	return suite;
}
UNIT_MAIN(make_suite)
