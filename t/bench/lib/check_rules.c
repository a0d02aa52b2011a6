/*
 * Makes rule sets of a given size in memory, and sessions that they let through, for bench_check.
 * The same size always gives the same rules.
 */
#include "t/bench/lib/check_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"

#define PROFILES 100

/* Scrambles the bits of a number (Vigna's splitmix64), for names that share no beginnings. */
static unsigned long long scrambled(unsigned long long i)
{
	i = (i + 1) * 0x9e3779b97f4a7c15ULL;
	i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9ULL;
	i = (i ^ (i >> 27)) * 0x94d049bb133111ebULL;
	return i ^ (i >> 31);
}

static const char *tld(unsigned long long i)
{
	static const char *const tlds[] = { "com", "org", "net", "de", "co.uk", "info", "com.au",
		"fr" };

	return tlds[i % 8];
}

/* The number of word i of a kind; each kind has its own words. */
static unsigned long long word(char kind, int i)
{
	return scrambled((unsigned long long)i * 256 + (unsigned char)kind) >> 32;
}

void check_rules_host(char text_r[64], int i)
{
	(void)snprintf(text_r, 64, "h%08llx.isp-%d.%s", word('h', i), i % 5000, tld((unsigned)i));
}

void check_rules_client(char text_r[64], int i)
{
	(void)snprintf(text_r, 64, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
}

void check_rules_address(char text_r[64], int i)
{
	(void)snprintf(text_r, 64, "m%08llx@domain-%d.%s", word('m', i), i, tld((unsigned)i));
}

void check_rules_domain(char text_r[64], int i)
{
	(void)snprintf(text_r, 64, "d%08llx.%s", word('d', i), tld((unsigned)i));
}

void check_rules_user(char text_r[64], int i)
{
	(void)snprintf(text_r, 64, "user%d@home.example", i);
}

static void add_list(struct made *m, enum list_id id, struct strbuf *text)
{
	strbuf_add_char(text, '\n');
	if (text->failed)
		abort();
	made_list(m, id, text->text);
	strbuf_reset(text);
}

/* Half are names, half are addresses and networks; no session comes from any of them. */
static void add_clients(struct made *m, enum list_id id, int count)
{
	struct strbuf text = STRBUF_INIT;
	char line[64];
	int i;

	for (i = 0; i < count; i++) {
		if (i < count / 2)
			check_rules_host(line, i);
		else if (i % 10 == 0)
			(void)snprintf(line, sizeof(line), "2001:db8:%x:%x::/64", (unsigned)i >> 16,
				(unsigned)i & 0xffff);
		else if (i % 10 == 1)
			(void)snprintf(line, sizeof(line), "11.%d.%d.0/24", i / 10 >> 8 & 255,
				i / 10 & 255);
		else
			check_rules_client(line, i);
		strbuf_addf(&text, "%s\n", line);
	}
	add_list(m, id, &text);
	strbuf_free(&text);
}

/* One in twenty is a whole domain, with or without its subdomains. */
static void add_addresses(struct made *m, enum list_id id, int count)
{
	struct strbuf text = STRBUF_INIT;
	char line[64];
	int i;

	for (i = 0; i < count; i++) {
		check_rules_address(line, i);
		if (i % 20 != 0)
			strbuf_addf(&text, "%s\n", line);
		else
			strbuf_addf(&text, "%s%s\n", i % 40 == 0 ? "@" : ".",
				strchr(line, '@') + 1);
	}
	add_list(m, id, &text);
	strbuf_free(&text);
}

/* Typical regexes: a name below a domain, a word with digits, a word anywhere. Those of clients and
 * HELO have a dot in place of the @ of an address. */
static void add_usual_regexes(struct made *m, enum list_id id, int count, char kind)
{
	const char *at = strchr("abh", kind) != NULL ? "\\." : "@";
	struct strbuf text = STRBUF_INIT;
	int i;

	for (i = 0; i < count; i++) {
		if (i % 4 == 0)
			strbuf_addf(&text, ".*%s(?:.*\\.)?", at);
		else if (i % 4 == 1)
			strbuf_addf(&text, "(?:news|promo|offers?)-[a-z0-9]{4,12}%s", at);
		else if (i % 4 == 2)
			strbuf_add_str(&text, ".*");
		strbuf_addf(&text, "%c%08llx", kind, word(kind, i));
		if (i % 4 == 3)
			strbuf_addf(&text, "\\d{1,3}%s.*\n", at);
		else
			strbuf_add_str(&text,
				i % 4 == 2 ? ".*\\.(?:com|net|org)\n" : "\\.example\\.com\n");
	}
	add_list(m, id, &text);
	strbuf_free(&text);
}

/* Regexes that no literal can find. No session has an exclamation mark, or one of the characters
 * that stand in its place. */
static void add_without_text(struct strbuf *text, int i, unsigned long long w, const char *mark)
{
	const int a = 'a' + (int)(w % 13), b = 'n' + (int)(w / 13 % 13);

	if (i % 4 == 3)
		strbuf_addf(text, "(?=.*[0-9][%c%c]).*[%c-%c]%llu%s.*\n", a, b, a, b, w % 10, mark);
	else if (i % 4 == 2)
		strbuf_addf(text, "[%c-%c]{1,4}[0-9]*(?:-|%c)[a-z]+%s.*\n", a, b, b, mark);
	else
		strbuf_addf(text, ".*[%c-%c][0-%llu].*[%c%c]%s.*\n", a, b, w % 9 + 1, a, b, mark);
}

static void add_unusual_regexes(struct made *m, enum list_id id, const struct check_size *size,
	char kind)
{
	struct strbuf text = STRBUF_INIT;

	for (int i = 0; i < size->regexes; i++) {
		const unsigned long long w = word(kind, i);

		if (size->kind == REGEXES_WITH_TWO_LETTERS)
			strbuf_addf(&text, "[a-z]+%c%c[0-9]+[a-z].*\n", 'g' + (int)(w % 20),
				'g' + (int)(w / 20 % 20));
		else
			add_without_text(&text, i, w,
				size->kind == REGEXES_WITH_NOTHING ? "[!-,]" : "!");
	}
	add_list(m, id, &text);
	strbuf_free(&text);
}

static void add_regexes(struct made *m, enum list_id id, const struct check_size *size, char kind)
{
	if (size->kind == REGEXES_WITH_TEXT)
		add_usual_regexes(m, id, size->regexes, kind);
	else
		add_unusual_regexes(m, id, size, kind);
}

static void add_domains(struct made *m, int count)
{
	struct strbuf text = STRBUF_INIT;
	char line[64];
	int i;

	for (i = 0; i < count; i++) {
		check_rules_domain(line, i);
		strbuf_addf(&text, "%s%s\n", i % 10 == 9 ? "!www." : "", line);
	}
	add_list(m, LIST_DOMAINS, &text);
	strbuf_free(&text);
}

static void add_profiles(struct made *m)
{
	char id[16], host[64], rcpt[64], rcpt_re[128];
	const struct made_profile row = { .id = id,
		.name = id,
		.maxsize = "50000000",
		.host = host,
		.rcpt = rcpt,
		.rcpt_re = rcpt_re };
	int i;

	for (i = 0; i < PROFILES; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		(void)snprintf(host, sizeof(host), "host-%d.example,partner-%d.example", i, i);
		(void)snprintf(rcpt, sizeof(rcpt), "tax-%d@office.example,one@two.example", i);
		(void)snprintf(rcpt_re, sizeof(rcpt_re),
			"^no-%d-.*@lists\\.example$,^.*@corp\\.example$", i);
		if (made_profile(m, &row) != 1)
			abort();
	}
}

static void add_users(struct made *m, int count)
{
	char id[16], name[64], froms[128], profile[16];
	const struct made_user row = { id, name, "", froms, profile, NULL };
	int i;

	for (i = 0; i < count; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		check_rules_user(name, i);
		(void)snprintf(froms, sizeof(froms), "%s,first.last%d@home.example", name, i);
		(void)snprintf(profile, sizeof(profile), "%d", i % PROFILES);
		if (made_user(m, &row) != 1)
			abort();
	}
}

void check_rules_prepare(const struct policy *policy)
{
	size_t count = 0, i;
	struct regexlist **lists = policy_unprepared(policy, &count);

	for (i = 0; lists != NULL && i < count; i++) {
		while (regexlist_prepare(lists[i]))
			;
	}
	free(lists);
}

void check_rules_make(struct made *m, const struct check_size *size)
{
	static const enum check checks[] = { CHECK_HELO, CHECK_DATA };
	size_t i;

	made_begin(m);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		m->services[0].mode[checks[i]] = MODE_YES;
	m->services[0].authenticated_apply = true;
	m->settings->default_domain = "home.example";
	add_clients(m, LIST_CONN_ALLOW, size->entries);
	add_clients(m, LIST_CONN_DENY, size->entries);
	add_regexes(m, LIST_CONN_ALLOW_RE, size, 'a');
	add_regexes(m, LIST_CONN_DENY_RE, size, 'b');
	add_regexes(m, LIST_HELO_DENY_RE, size, 'h');
	add_addresses(m, LIST_MAIL_ALLOW, size->entries);
	add_addresses(m, LIST_MAIL_DENY, size->entries);
	add_regexes(m, LIST_MAIL_ALLOW_RE, size, 'm');
	add_regexes(m, LIST_MAIL_DENY_RE, size, 'n');
	add_addresses(m, LIST_RCPT_ALLOW, size->entries);
	add_addresses(m, LIST_RCPT_DENY, size->entries);
	add_regexes(m, LIST_RCPT_ALLOW_RE, size, 'r');
	add_regexes(m, LIST_RCPT_DENY_RE, size, 's');
	add_domains(m, size->domains);
	add_profiles(m);
	add_users(m, size->users);
	made_build(m);
	if (problems_count(m->problems) > 0) {
		fprintf(stderr, "check_rules: %s\n", problems_text(m->problems, 0));
		abort();
	}
}

static void read_address(struct mail_address *address_r, const char *text)
{
	if (address_parse(text, strlen(text), address_r) < 0)
		abort();
}

void check_session_make(struct check_session *s, const struct check_size *size, int number)
{
	unsigned long long random = scrambled((unsigned long long)number + 777);
	int user = (int)(random % (unsigned)size->users);
	bool has_login = number % 2 != 0;
	char text[128];

	memset(s, 0, sizeof(*s));
	(void)snprintf(s->rdns, sizeof(s->rdns), "mail%d.host%llx.example.%s", number, random >> 40,
		tld(random));
	(void)snprintf(s->helo, sizeof(s->helo), "smtp%d.h%llx.example.%s", number, random >> 44,
		tld(random >> 3));
	(void)snprintf(text, sizeof(text), "192.%llu.%llu.%llu", random >> 8 & 255,
		random >> 16 & 255, random >> 24 & 255);
	if (cidr_parse(text, &s->facts.client, NULL) < 0)
		abort();
	check_rules_user(s->login, user);
	if (has_login)
		(void)snprintf(text, sizeof(text), "<%s>", s->login);
	else
		(void)snprintf(text, sizeof(text), "<s%llx@domain-%llu.%s>", random >> 32,
			random % (unsigned)size->entries, tld(random + 1));
	read_address(&s->sender, text);
	(void)snprintf(s->from, sizeof(s->from), "\"A. Name\" <%s>", s->sender.text);
	(void)snprintf(text, sizeof(text),
		has_login ? "<rcpt%d@corp.example>" : "<rcpt%d@home.example>", number);
	read_address(&s->rcpt, text);
	s->facts.rdns = s->rdns;
	s->facts.helo = s->helo;
	s->facts.login = has_login ? s->login : NULL;
	s->facts.sender = &s->sender;
	s->facts.size = 20000;
	s->field = (struct field){ s->from, strlen(s->from) };
	s->header = (struct header_facts){ .from = &s->field, .from_count = 1 };
}
