/*
 * Shows for each type of option which values are accepted, where they are stored, and how a refused
 * value is reported.
 */
#include "lib/conf/option_value.h"

#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define CONFIG(member) HOME_CONFIG, offsetof(struct config, member), sizeof(config.member)
#define SERVICE(member) HOME_SERVICE, offsetof(struct service, member), sizeof(service.member)

static struct config config;
static struct settings *settings;
static struct service service;
static struct option_homes homes;
static struct errmsg err;

static void setup(void)
{
	config = (struct config){ .arena = arena_new(256), .folder = strdup("/etc/p") };
	settings = settings_new();
	service = (struct service){ .name = NULL };
	homes = (struct option_homes){ &config, settings, &service };
	err = (struct errmsg){ "" };
}

static void teardown(void)
{
	settings_unref(&settings);
	arena_free(&config.arena);
	free(config.folder);
}

static int set(const struct config_option *option, const char *value)
{
	return option_set(option, &homes, value, &err);
}

/* ---- numbers ------------------------------------------------------------------ */

static const struct {
	enum option_type type;
	int64_t min, max;
	const char *fallback, *value;
	int64_t want; /* -1: refused */
} numbers[] = {
	{ OPTION_INT, 1, 65535, "", "1", 1 },
	{ OPTION_INT, 1, 65535, "", "65535", 65535 },
	{ OPTION_INT, 1, 65535, "", "0007", 7 },
	{ OPTION_INT, 1, 65535, "", "", 0 }, /* not set */
	{ OPTION_INT, 1, 65535, "5", "", -1 },
	{ OPTION_INT, 1, 65535, "", "0", -1 },
	{ OPTION_INT, 1, 65535, "", "65536", -1 },
	{ OPTION_INT, 1, 65535, "", "-1", -1 },
	{ OPTION_INT, 1, 65535, "", "+1", -1 },
	{ OPTION_INT, 1, 65535, "", " 1", -1 },
	{ OPTION_INT, 1, 65535, "", "1 ", -1 },
	{ OPTION_INT, 1, 65535, "", "0x10", -1 },
	{ OPTION_INT, 1, 65535, "", "1e3", -1 },
	{ OPTION_INT, 1, 65535, "", "1.0", -1 },
	{ OPTION_INT, 1, 65535, "", "5s", -1 },
	{ OPTION_INT, 1, 65535, "", "4294967297", -1 },
	{ OPTION_INT, 1, 65535, "", "18446744073709551617", -1 },
	{ OPTION_INT, 0, UINT32_MAX, "", "4294967295", UINT32_MAX },
	{ OPTION_DURATION, 1, 86400, "1", "90", 90 },
	{ OPTION_DURATION, 1, 86400, "1", "10s", 10 },
	{ OPTION_DURATION, 1, 86400, "1", "15m", 900 },
	{ OPTION_DURATION, 1, 86400, "1", "6h", 21600 },
	{ OPTION_DURATION, 1, 86400, "1", "1d", 86400 },
	{ OPTION_DURATION, 1, 86400, "1", "25h", -1 },
	{ OPTION_DURATION, 1, 86400, "1", "0", -1 },
	{ OPTION_DURATION, 1, 86400, "1", "1M", -1 },
	{ OPTION_DURATION, 1, 86400, "1", "1ms", -1 },
	{ OPTION_DURATION, 1, 86400, "1", "1 m", -1 },
	{ OPTION_DURATION, 1, 86400, "1", "m", -1 },
	{ OPTION_DURATION, 1, 86400, "1", "106751991167300646d", -1 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "65536", 65536 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "64k", 65536 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "64K", 65536 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "16M", 16 << 20 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "4G", INT64_C(4) << 30 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "5G", -1 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "1023", -1 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "1T", -1 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "1kB", -1 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "17179869184G", -1 },
	{ OPTION_SIZE, 1024, INT64_C(4) << 30, "1k", "17179869185G", -1 }, /* 1G more than 2^64 */
	{ OPTION_MODE, 0, 0, "", "0660", 0660 },
	{ OPTION_MODE, 0, 0, "", "600", 0600 },
	{ OPTION_MODE, 0, 0, "", "0000", 0 },
	{ OPTION_MODE, 0, 0, "", "0777", 0777 },
	{ OPTION_MODE, 0, 0, "", "1777", -1 },
	{ OPTION_MODE, 0, 0, "", "0668", -1 },
	{ OPTION_MODE, 0, 0, "", "66", -1 },
	{ OPTION_MODE, 0, 0, "", "00660", -1 },
	{ OPTION_MODE, 0, 0, "", "", -1 },
	{ OPTION_MODE, 0, 0, "", "-660", -1 },
};
START_TEST(checks_the_bounds_of_numbers)
	{
		const struct config_option wide = { "s", "n", numbers[_i].type,
			numbers[_i].fallback, 0, numbers[_i].min, numbers[_i].max, NULL,
			CONFIG(lists.max_file), "" };
		const struct config_option narrow = { "s", "n", numbers[_i].type,
			numbers[_i].fallback, 0, numbers[_i].min, numbers[_i].max, NULL,
			CONFIG(database.poll_interval), "" };
		int want = numbers[_i].want < 0 ? -1 : 0;

		config.lists.max_file = 99;
		config.database.poll_interval = 99;
		config.database.full_reload_interval = 77; /* the member after it */
		ck_assert_msg(set(&wide, numbers[_i].value) == want, "%s", numbers[_i].value);
		ck_assert_uint_eq(config.lists.max_file, want < 0 ? 99 : numbers[_i].want);
		if (numbers[_i].want <= UINT32_MAX) {
			ck_assert_int_eq(set(&narrow, numbers[_i].value), want);
			ck_assert_uint_eq(config.database.poll_interval,
				want < 0 ? 99 : numbers[_i].want);
		}
		ck_assert_uint_eq(config.database.full_reload_interval, 77);
		ck_assert_int_eq(err.text[0] == '\0', want == 0);
		ck_assert_int_eq(option_set(&wide, &homes, numbers[_i].value, NULL), want);
	}
END_TEST

/* ---- words -------------------------------------------------------------------- */

static const struct option_word three[] = { { "no", 10 }, { "yes", 11 }, { "Warn", 12 },
	{ NULL, 0 } };
static const struct option_word two[] = { { "left", 10 }, { "right", 11 }, { NULL, 0 } };
static const struct option_word bits[] = { { "PLAIN", 1 }, { "LOGIN", 2 }, { "X", 4 },
	{ NULL, 0 } };

static const struct {
	enum option_type type;
	const struct option_word *words;
	const char *value;
	int want; /* -1: refused */
} words[] = {
	{ OPTION_BOOL, NULL, "yes", 1 },
	{ OPTION_BOOL, NULL, "True", 1 },
	{ OPTION_BOOL, NULL, "ON", 1 },
	{ OPTION_BOOL, NULL, "1", 1 },
	{ OPTION_BOOL, NULL, "no", 0 },
	{ OPTION_BOOL, NULL, "false", 0 },
	{ OPTION_BOOL, NULL, "off", 0 },
	{ OPTION_BOOL, NULL, "0", 0 },
	{ OPTION_BOOL, NULL, "maybe", -1 },
	{ OPTION_BOOL, NULL, "2", -1 },
	{ OPTION_BOOL, NULL, "yes ", -1 },
	{ OPTION_BOOL, NULL, "", -1 },
	{ OPTION_WORD, three, "warn", 12 },
	{ OPTION_WORD, three, "YES", 11 },
	{ OPTION_WORD, three, "true", 11 },
	{ OPTION_WORD, three, "off", 10 },
	{ OPTION_WORD, three, "war", -1 },
	{ OPTION_WORD, three, "warning", -1 },
	{ OPTION_WORD, three, "", -1 },
	{ OPTION_WORD, two, "Left", 10 },
	{ OPTION_WORD, two, "yes", -1 },
	{ OPTION_WORD, two, "0", -1 },
	{ OPTION_SET, bits, "PLAIN", 1 },
	{ OPTION_SET, bits, "plain login", 3 },
	{ OPTION_SET, bits, " X,, PLAIN\t", 5 },
	{ OPTION_SET, bits, "X X", 4 },
	{ OPTION_SET, bits, "PLAIN Y", -1 },
	{ OPTION_SET, bits, "PLAIN;LOGIN", -1 },
	{ OPTION_SET, bits, "yes", -1 },
	{ OPTION_SET, bits, "", -1 },
	{ OPTION_SET, bits, ", ", -1 },
};
START_TEST(reads_the_words_of_a_type)
	{
		const struct config_option option = { "s", "n", words[_i].type, "", 0, 0, 0,
			words[_i].words, CONFIG(auth.mechanisms), "" };
		const struct config_option as_bool = { "s", "n", words[_i].type, "", 0, 0, 0,
			words[_i].words, CONFIG(auth.require_tls), "" };
		int want = words[_i].want < 0 ? -1 : 0;

		config.auth.mechanisms = 99;
		ck_assert_msg(set(&option, words[_i].value) == want, "%s", words[_i].value);
		ck_assert_uint_eq(config.auth.mechanisms, want < 0 ? 99 : (unsigned)words[_i].want);
		ck_assert_int_eq(set(&as_bool, words[_i].value), want);
		ck_assert(config.auth.require_tls == (words[_i].want > 0));
	}
END_TEST

START_TEST(a_name_is_kept_as_the_table_writes_it)
	{
		const struct config_option option = { "log", "level", OPTION_NAME, "", 0, 0, 0,
			three, CONFIG(log.level), "" };

		ck_assert_int_eq(set(&option, "WARN"), 0);
		ck_assert_str_eq(config.log.level, "Warn");
		ck_assert_int_eq(set(&option, "true"), -1);
		ck_assert_str_eq(config.log.level, "Warn");
	}
END_TEST

/* ---- text --------------------------------------------------------------------- */

#define X76 "x123456789x123456789x123456789x123456789x123456789x123456789x123456789x12345"

static const struct {
	enum option_type type;
	int64_t max;
	const char *value, *want; /* NULL: refused */
} texts[] = {
	{ OPTION_STRING, 4, "", "" },
	{ OPTION_STRING, 4, "four", "four" },
	{ OPTION_STRING, 4, "fiver", NULL },
	{ OPTION_STRING, 4, "\xc3\xb6\xc3\xb6!", NULL }, /* bytes, not characters */
	{ OPTION_STRING, 0, "without a bound", "without a bound" },
	{ OPTION_PATH, 0, "", "" },
	{ OPTION_PATH, 0, "/abs", "/abs" },
	{ OPTION_PATH, 0, "rel/x", "/etc/p/rel/x" },
	{ OPTION_PATH, 0, "../x", "/etc/p/../x" },
	{ OPTION_SOCKET, 0, "", "" },
	{ OPTION_SOCKET, 0, "/run/s", "unix:/run/s" },
	{ OPTION_SOCKET, 0, "/run/a:b", "unix:/run/a:b" },
	{ OPTION_SOCKET, 0, "unix:/run/s", "unix:/run/s" },
	{ OPTION_SOCKET, 0, "local:/run/s", "unix:/run/s" },
	{ OPTION_SOCKET, 0, "unix:run/a:b", "unix:/etc/p/run/a:b" },
	{ OPTION_SOCKET, 0, "unix:", NULL },
	{ OPTION_SOCKET, 0, "run/s", NULL },
	{ OPTION_SOCKET, 0, "inet:8894@127.0.0.1", "inet:8894@127.0.0.1" },
	{ OPTION_SOCKET, 0, "inet6:8894@::1", "inet6:8894@::1" },
	{ OPTION_SOCKET, 0, "inet:65535@h", "inet:65535@h" },
	{ OPTION_SOCKET, 0, "inet:65536@h", NULL },
	{ OPTION_SOCKET, 0, "inet:0@h", NULL },
	{ OPTION_SOCKET, 0, "inet:8894", NULL },
	{ OPTION_SOCKET, 0, "inet:8894@", NULL },
	{ OPTION_SOCKET, 0, "inet:8894@h@h", NULL },
	{ OPTION_SOCKET, 0, "inet:8894@h h", NULL },
	{ OPTION_SOCKET, 0, "inet:127.0.0.1:8894", NULL },
	{ OPTION_SOCKET, 0, "inet:-1@h", NULL },
	{ OPTION_SOCKET, 0, "inet:99999999999999999999@h", NULL },
	{ OPTION_SOCKET, 0, "tcp:8894@h", NULL },
	{ OPTION_DOMAIN, 0, "", "" },
	{ OPTION_DOMAIN, 0, "Example.COM.", "example.com" },
	{ OPTION_DOMAIN, 0,
		"b\xc3\xbc"
		"cher.example",
		"xn--bcher-kva.example" },
	{ OPTION_DOMAIN, 0, ".", NULL },
	{ OPTION_DOMAIN, 0, ".example", NULL },
	{ OPTION_DOMAIN, 0, "a..example", NULL },
	{ OPTION_DOMAIN, 0, "a b", NULL },
	{ OPTION_DOMAIN, 0, "@example.com", NULL },
	{ OPTION_DOMAIN, 0, "a.example,b.example", NULL },
	{ OPTION_DOMAIN, 0, "[192.0.2.1]", NULL },
	{ OPTION_FIELD, 0, "", "" },
	{ OPTION_FIELD, 0, "X-Postern-Results", "X-Postern-Results" },
	{ OPTION_FIELD, 0, "!~", "!~" },
	{ OPTION_FIELD, 0, X76, X76 },
	{ OPTION_FIELD, 0, "X-From", "X-From" },
	{ OPTION_FIELD, 0, "Front", "Front" },
	{ OPTION_FIELD, 0, X76 "y", NULL },
	{ OPTION_FIELD, 0, "from", NULL },
	{ OPTION_FIELD, 0, "Authentication-Results", NULL },
	{ OPTION_FIELD, 0, "Content-Type", NULL },
	{ OPTION_FIELD, 0, "List-Unsubscribe-Post", NULL },
	{ OPTION_FIELD, 0, "X:", NULL },
	{ OPTION_FIELD, 0, "X Y", NULL },
	{ OPTION_FIELD, 0, "X\xc3\xb6", NULL },
	{ OPTION_FIELD, 0, "X\x7f", NULL },
	{ OPTION_FIELD, 0, "X\r\nY", NULL },
};
START_TEST(reads_the_texts_of_a_type)
	{
		const struct config_option option = { "s", "n", texts[_i].type, "", 0, 0,
			texts[_i].max, NULL, CONFIG(milter.socket), "" };
		char value[128];

		config.milter.socket = "untouched";
		(void)strcpy(value, texts[_i].value);
		ck_assert_msg(set(&option, value) == (texts[_i].want == NULL ? -1 : 0), "%s",
			value);
		memset(value, '#', sizeof(value)); /* the arena holds a copy */
		ck_assert_str_eq(config.milter.socket,
			texts[_i].want == NULL ? "untouched" : texts[_i].want);
	}
END_TEST

START_TEST(a_socket_can_be_a_word_of_its_option)
	{
		static const struct option_word own_words[] = { { "none", 0 }, { NULL, 0 } };
		const struct config_option with = { "s", "n", OPTION_SOCKET, "", 0, 0, 0, own_words,
			CONFIG(milter.socket), "" };
		const struct config_option without = { "s", "n", OPTION_SOCKET, "", 0, 0, 0, NULL,
			CONFIG(milter.socket), "" };

		ck_assert_int_eq(set(&with, "None"), 0);
		ck_assert_str_eq(config.milter.socket, "none");
		ck_assert_int_eq(set(&with, "/run/s"), 0);
		ck_assert_str_eq(config.milter.socket, "unix:/run/s");
		ck_assert_int_eq(set(&with, "no"), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "is not unix:PATH, inet:PORT@HOST or none"));
		ck_assert_int_eq(set(&without, "none"), -1);
	}
END_TEST

START_TEST(a_path_from_the_root_has_one_slash)
	{
		const struct config_option option = { "s", "n", OPTION_PATH, "", 0, 0, 0, NULL,
			CONFIG(store.path), "" };

		config.folder[1] = '\0';
		ck_assert_int_eq(set(&option, "x"), 0);
		ck_assert_str_eq(config.store.path, "/x");
	}
END_TEST

START_TEST(settings_outlive_the_config)
	{
		const struct config_option option = { "profile", "default_domain", OPTION_DOMAIN,
			"", 0, 0, 0, NULL, HOME_SETTINGS, offsetof(struct settings, default_domain),
			sizeof(settings->default_domain), "" };

		ck_assert_int_eq(set(&option, "Example.COM"), 0);
		arena_free(&config.arena);
		ck_assert_str_eq(settings->default_domain, "example.com");
	}
END_TEST

/* ---- networks ----------------------------------------------------------------- */

static const struct {
	const char *value;
	int want; /* how many; -1: refused */
} networks[] = {
	{ "", 0 },
	{ " ,\t", 0 },
	{ "192.0.2.7", 1 },
	{ "127.0.0.0/8 ::1", 2 },
	{ ",192.0.2.0/24,\t2001:db8::/32 10.0.0.1,", 3 },
	{ "192.0.2.7/24", -1 },
	{ "192.0.2.7 example.com", -1 },
	{ "192.0.2.0/33", -1 },
	{ "192.0.2.7;192.0.2.8", -1 },
	{ "192.0.2.7 " X76 X76, -1 },
};
START_TEST(reads_all_networks_or_none)
	{
		const struct config_option option = { "check", "exempt", OPTION_NETWORKS, "", 0, 0,
			0, NULL, SERVICE(exempt), "" };
		const struct cidr before = { .family = AF_INET };

		service.exempt = &before;
		service.exempt_count = 1;
		ck_assert_int_eq(set(&option, networks[_i].value), networks[_i].want < 0 ? -1 : 0);
		if (networks[_i].want < 0) {
			ck_assert_ptr_eq(service.exempt, &before);
			ck_assert_uint_eq(service.exempt_count, 1);
			ck_assert_ptr_nonnull(strstr(err.text, "[check] exempt: "));
		} else {
			ck_assert_uint_eq(service.exempt_count, (size_t)networks[_i].want);
		}
	}
END_TEST

START_TEST(exempts_the_listed_networks)
	{
		const struct config_option option = { "check", "exempt", OPTION_NETWORKS, "", 0, 0,
			0, NULL, SERVICE(exempt), "" };
		struct cidr client;

		ck_assert_int_eq(set(&option, "10.0.0.0/8, 2001:db8::1"), 0);
		ck_assert_int_eq(cidr_parse("10.1.2.3", &client, NULL), 0);
		ck_assert(service_exempts(&service, &client));
		ck_assert_int_eq(cidr_parse("2001:db8::1", &client, NULL), 0);
		ck_assert(service_exempts(&service, &client));
		ck_assert_int_eq(cidr_parse("2001:db8::2", &client, NULL), 0);
		ck_assert(!service_exempts(&service, &client));
	}
END_TEST

/* ---- domains ------------------------------------------------------------------ */

static const struct {
	const char *value;
	const char *want; /* NULL: refused */
	size_t len;
} domain_lists[] = {
	{ "", "", 1 },
	{ " ,\t", "", 1 },
	{ "Example.COM.", "example.com\0", 13 },
	{ "a.example, b.example\tlocalhost", "a.example\0b.example\0localhost\0", 31 },
	{ "a b c", "a\0b\0c\0", 7 },
	{ "a b c d", NULL, 0 }, /* at most three */
	{ "a.example @b.example", NULL, 0 },
	{ "$mydestination", NULL, 0 },
	{ "*.a.example", NULL, 0 },
	{ ".a.example", NULL, 0 },
	{ "a..example", NULL, 0 },
	{ "a.example;b.example", NULL, 0 },
	{ "[192.0.2.1]", NULL, 0 },
};
START_TEST(reads_all_domains_or_none)
	{
		const struct config_option option = { "lists", "local_domains", OPTION_DOMAINS, "",
			0, 0, 3, NULL, HOME_SETTINGS, offsetof(struct settings, local_domains),
			sizeof(settings->local_domains), "" };

		settings->local_domains = "before";
		if (domain_lists[_i].want == NULL) {
			ck_assert_int_eq(set(&option, domain_lists[_i].value), -1);
			ck_assert_str_eq(settings->local_domains, "before");
			ck_assert_ptr_nonnull(strstr(err.text, "at most 3 domain names"));
			return;
		}
		ck_assert_int_eq(set(&option, domain_lists[_i].value), 0);
		ck_assert_mem_eq(settings->local_domains, domain_lists[_i].want,
			domain_lists[_i].len);
	}
END_TEST

/* ---- errors ------------------------------------------------------------------- */

static const struct option_word modes[] = { { "yes", 1 }, { "no", 0 }, { "warn", 2 }, { NULL, 0 } };

static const struct {
	unsigned flags;
	enum option_type type;
	const char *value, *want;
} refusals[] = {
	{ 0, OPTION_WORD, "maybe", "[check] any: \"maybe\" is not yes, no or warn" },
	{ 0, OPTION_WORD, "", "[check] any: empty; it must be yes, no or warn" },
	{ OPTION_SECRET, OPTION_WORD, "hunter2", "[check] any: not yes, no or warn" },
	{ OPTION_SECRET, OPTION_STRING, "hunter2", "[check] any: not text of at most 4 bytes" },
	{ OPTION_NO_EMPTY, OPTION_STRING, "",
		"[check] any: empty; it must be text of at most 4 bytes" },
	/* The value is cut to 80 bytes, but not within a character. */
	{ 0, OPTION_STRING, X76 "xyz\xc3\xb6",
		"[check] any: \"" X76 "xyz\"... is not text of at most 4 bytes" },
	{ 0, OPTION_STRING, X76 "xyzz",
		"[check] any: \"" X76 "xyzz\" is not text of at most 4 bytes" },
	{ 0, OPTION_SOCKET, "inet:h:1",
		"[check] any: \"inet:h:1\" is not unix:PATH or inet:PORT@HOST; "
		"write Postfix's inet:127.0.0.1:8894 as inet:8894@127.0.0.1" },
	{ 0, OPTION_SOCKET, "inet:99999@",
		"[check] any: \"inet:99999@\" is not unix:PATH or inet:PORT@HOST; "
		"the port must be from 1 to 65535" },
	{ 0, OPTION_SOCKET, "inet6:8894@",
		"[check] any: \"inet6:8894@\" is not unix:PATH or inet:PORT@HOST; "
		"the host after @ is missing: inet:8894@127.0.0.1" },
	{ 0, OPTION_SOCKET, "inet:8894",
		"[check] any: \"inet:8894\" is not unix:PATH or inet:PORT@HOST; "
		"the @ and the host after the port are missing: inet:8894@127.0.0.1" },
	{ 0, OPTION_SOCKET, "inet:smtp@h",
		"[check] any: \"inet:smtp@h\" is not unix:PATH or inet:PORT@HOST; "
		"the port before @ must be a number: inet:8894@127.0.0.1" },
	{ 0, OPTION_SOCKET, "inet:8894@h@h",
		"[check] any: \"inet:8894@h@h\" is not unix:PATH or inet:PORT@HOST; "
		"the host after @ must be one address or name" },
	{ 0, OPTION_SOCKET, "unix:/abcd",
		"[check] any: the path /abcd has 5 bytes; that of a socket has at most 4" },
	{ 0, OPTION_PATH, "x",
		"[check] any: the path /etc/p/x has 8 bytes; that of a socket has at most 4" },
};
START_TEST(an_error_gives_the_correction_and_shows_no_secret)
	{
		const struct config_option option = { "check", "any", refusals[_i].type, "",
			refusals[_i].flags, 0, 4, refusals[_i].type == OPTION_SOCKET ? NULL : modes,
			CONFIG(milter.socket), "" };

		config.milter.socket = "untouched";
		ck_assert_int_eq(set(&option, refusals[_i].value), -1);
		ck_assert_str_eq(err.text, refusals[_i].want);
		ck_assert_str_eq(config.milter.socket, "untouched");
	}
END_TEST

START_TEST(an_option_without_a_home_is_ignored)
	{
		const struct config_option option = { "database", "max", OPTION_INT, "",
			OPTION_NO_EMPTY, 1, 2, NULL, HOME_NOWHERE, 0, 0, "" };
		const struct config before = config;

		ck_assert_int_eq(set(&option, "anything"), 0);
		ck_assert_int_eq(set(&option, ""), -1);
		ck_assert_ptr_eq(config.arena, before.arena); /* the member at offset 0 */
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("option_value");
	TCase *tcase = tcase_create("option_value");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, checks_the_bounds_of_numbers, 0, COUNT(numbers));
	tcase_add_loop_test(tcase, reads_the_words_of_a_type, 0, COUNT(words));
	tcase_add_test(tcase, a_name_is_kept_as_the_table_writes_it);
	tcase_add_loop_test(tcase, reads_the_texts_of_a_type, 0, COUNT(texts));
	tcase_add_test(tcase, a_socket_can_be_a_word_of_its_option);
	tcase_add_test(tcase, a_path_from_the_root_has_one_slash);
	tcase_add_test(tcase, settings_outlive_the_config);
	tcase_add_loop_test(tcase, reads_all_networks_or_none, 0, COUNT(networks));
	tcase_add_loop_test(tcase, reads_all_domains_or_none, 0, COUNT(domain_lists));
	tcase_add_test(tcase, exempts_the_listed_networks);
	tcase_add_loop_test(tcase, an_error_gives_the_correction_and_shows_no_secret, 0,
		COUNT(refusals));
	tcase_add_test(tcase, an_option_without_a_home_is_ignored);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
