/*
 * Measures single lookups in big lists and among as many users, for bench_check.
 * Runs in the main thread.
 */
#include "t/bench/lib/check_looks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/bench/lib/check_rules.h"
#include "t/bench/lib/timing.h"

#define KEYS 200000	/* at most; as many as entries if those are fewer */
#define ADDRESSES 20000 /* of 3 KiB each */

struct looks {
	const struct list *list;
	const struct users *users;
	char (*texts)[64];
	struct cidr *clients;
	struct mail_address *addresses;
	struct check_size size;
	int keys;
	bool is_json;
	double seconds;
};

static unsigned look_host(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_find_host(l->list, l->texts[i], &line) == LIST_YES;
}

static unsigned look_client(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_find_client(l->list, &l->clients[i], &line) == LIST_YES;
}

static unsigned look_address(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_find_address(l->list, &l->addresses[i % ADDRESSES], "+", &line) == LIST_YES;
}

static unsigned look_any_host(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_any_host(l->list, l->texts[i], &line) != ANY_UNLISTED;
}

static unsigned look_any_address(void *context, size_t i)
{
	const struct looks *l = context;
	uint32_t line;

	return list_any_address(l->list, &l->addresses[i % ADDRESSES], "+", &line) != ANY_UNLISTED;
}

static unsigned look_user(void *context, size_t i)
{
	const struct looks *l = context;
	struct user user;

	return users_find(l->users, l->texts[i], strlen(l->texts[i]), &user);
}

static unsigned parse_address(void *context, size_t i)
{
	const struct looks *l = context;
	const struct mail_address *from = &l->addresses[i % ADDRESSES];
	struct mail_address address;

	return address_parse(from->text, from->text_len, &address) == 0;
}

/* The texts to look up: each by its number, with a prefix for those that do not exist. The numbers
 * of those that exist are a part of those that the list was made from, in percent. */
static const struct {
	const char *what;
	timed_fn *call;
	void (*text)(char text_r[64], int i);
	int first, count;
	const char *other;
	enum list_id list;
} looks[] = {
	{ "host name in a list", look_host, check_rules_host, 0, 50, "x", LIST_CONN_DENY },
	{ "client address in a list", look_client, check_rules_client, 50, 40, "1",
		LIST_CONN_DENY },
	{ "mail address in a list", look_address, check_rules_address, 0, 100, "x",
		LIST_MAIL_DENY },
	{ "host name, any", look_any_host, check_rules_domain, 0, 100, "x", LIST_DOMAINS },
	{ "mail address, any", look_any_address, check_rules_domain, 0, 100, "x", LIST_DOMAINS },
	{ "user", look_user, check_rules_user, 0, 100, "x", LIST_COUNT },
	{ "mail address, parsed", parse_address, check_rules_address, 0, 100, "x", LIST_COUNT },
};

/* Prepare each text as a name, as a mail address, and as a client's address. */
static void fill(struct looks *l, size_t row, const char *prefix)
{
	char text[64], address[128];
	const int made = looks[row].list == LIST_DOMAINS ? l->size.domains : l->size.entries;
	const int first = made / 100 * looks[row].first, count = made / 100 * looks[row].count;
	unsigned random = 12345;
	int i;

	for (i = 0; i < l->keys; i++) {
		random = random * 1664525 + 1013904223; /* the generator of Numerical Recipes */
		looks[row].text(text, first + (int)(random % (unsigned)count));
		(void)snprintf(l->texts[i], sizeof(l->texts[i]), "%s%s", prefix, text);
		if (looks[row].call == look_client &&
			cidr_parse(l->texts[i], &l->clients[i], NULL) < 0)
			abort();
		if (i >= ADDRESSES)
			continue;
		(void)snprintf(address, sizeof(address), "%s%s",
			strchr(text, '@') == NULL ? "a@" : "", l->texts[i]);
		if (address_parse(address, strlen(address), &l->addresses[i]) < 0)
			abort();
	}
}

static void look(struct looks *l, size_t row, const char *prefix, int entries)
{
	const size_t keys = (size_t)l->keys;
	unsigned found = 0;
	double ns;

	fill(l, row, prefix);
	for (size_t i = 0; i < keys; i++)
		found += looks[row].call(l, i);
	ns = time_calls(looks[row].call, l, keys, l->seconds);
	if (l->is_json)
		printf("{\"look\":\"%s\",\"entries\":%d,\"found\":%.3f,\"ns\":%.1f}\n",
			looks[row].what, entries, (double)found / (double)keys, ns);
	else
		printf("%-28s %9d %8.1f%% %8.0f\n", looks[row].what, entries,
			found * 100.0 / (double)keys, ns);
	(void)fflush(stdout);
}

void check_looks(bool is_json, double seconds, int entries)
{
	struct looks l = { .texts = calloc(KEYS, sizeof(*l.texts)),
		.clients = calloc(KEYS, sizeof(*l.clients)),
		.addresses = calloc(ADDRESSES, sizeof(*l.addresses)),
		.size = { entries, 1, entries / 50, entries, false },
		.keys = entries < KEYS ? entries : KEYS,
		.is_json = is_json,
		.seconds = seconds };
	struct made m;
	size_t i;

	if (l.texts == NULL || l.clients == NULL || l.addresses == NULL)
		abort();
	check_rules_make(&m, &l.size);
	check_rules_prepare(m.policy);
	l.users = policy_parts(m.policy)->users;
	if (!is_json)
		printf("\nNanoseconds a look.\n%-28s %9s %9s %8s\n", "what", "entries", "found",
			"ns");
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		l.list = looks[i].list < LIST_COUNT ? policy_parts(m.policy)->lists[looks[i].list] :
						      NULL;
		look(&l, i, "", l.list == NULL ? l.size.users : (int)list_entries(l.list));
		look(&l, i, looks[i].other,
			l.list == NULL ? l.size.users : (int)list_entries(l.list));
	}
	made_end(&m);
	free(l.texts);
	free(l.clients);
	free(l.addresses);
}
