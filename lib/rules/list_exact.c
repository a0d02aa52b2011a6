/*
 * Exact lists of clients and of addresses: their entries and lookups. Part of list.c; any thread
 * may search a list.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/domain.h"
#include "lib/rules/list_private.h"

static int add_name(struct list *list, const char *name, size_t len, uint32_t line)
{
	return strmap_add(list->names, name, len, line) < 0 ? -1 : 0;
}

static int too_long(const struct list *list, const struct entry *entry, struct problems *problems)
{
	problems_add(problems, "%s:%u: \"%.*s...\" is too long for a name or an address; left out",
		list->name, entry->line, TEXT_CUT(entry->text, 60));
	return 0;
}

/* Add ".example.com": the domain with all its subdomains. */
static int add_subtree(struct list *list, const struct entry *entry, struct problems *problems)
{
	char name[1 + DOMAIN_SIZE] = ".";
	int len = domain_canon(entry->text + 1, entry->len - 1, name + 1);

	if (len < 0)
		return too_long(list, entry, problems);
	list->has_subtrees = true;
	return add_name(list, name, (size_t)len + 1, entry->line);
}

static int in_brackets(const struct list *list, const struct entry *entry,
	struct problems *problems)
{
	problems_add(problems, "%s:%u: \"%.*s\": write the address without <>; left out",
		list->name, entry->line, TEXT_CUT_LEN(entry->text, entry->len, 120));
	return 0;
}

static bool has_slash(const struct entry *entry)
{
	return memchr(entry->text, '/', entry->len) != NULL;
}

int list_add_client(struct list *list, const struct entry *entry, struct problems *problems)
{
	char text[DOMAIN_SIZE], name[DOMAIN_SIZE];
	struct errmsg err;
	struct cidr net;
	int len;

	if (entry->len >= sizeof(text))
		return too_long(list, entry, problems);
	memcpy(text, entry->text, entry->len);
	text[entry->len] = '\0';
	if (cidr_parse(text, &net, &err) == 0)
		return cidr_set_add(list->nets, &net, entry->line) < 0 ? -1 : 0;
	if (has_slash(entry)) {
		problems_add(problems, "%s:%u: %s; left out", list->name, entry->line, err.text);
		return 0;
	}
	if (entry->text[0] == '.' && entry->len > 1)
		return add_subtree(list, entry, problems);
	if ((len = domain_canon(entry->text, entry->len, name)) < 0)
		return too_long(list, entry, problems);
	return add_name(list, name, (size_t)len, entry->line);
}

int list_add_address(struct list *list, const struct entry *entry, struct problems *problems)
{
	char name[1 + DOMAIN_SIZE] = "@";
	struct mail_address address;
	int len;

	if (entry->text[0] == '.' && entry->len > 1 && memchr(entry->text, '@', entry->len) == NULL)
		return add_subtree(list, entry, problems);
	list->has_at_domains |= entry->text[0] == '@';
	if (entry->text[0] == '@' && (entry->len == 1 || entry->text[1] != '[')) {
		if ((len = domain_canon(entry->text + 1, entry->len - 1, name + 1)) < 0)
			return too_long(list, entry, problems);
		return add_name(list, name, (size_t)len + 1, entry->line);
	}
	if (entry->text[0] == '<')
		return in_brackets(list, entry, problems);
	if (address_parse(entry->text, entry->len, &address) < 0) /* also "@[IPv6:2001:db8::1]" */
		return too_long(list, entry, problems);
	return add_name(list, address.canon, address.canon_len, entry->line);
}

enum list_result list_find_client(const struct list *list, const struct cidr *client,
	uint32_t *line_r)
{
	return cidr_set_find(list->nets, client, line_r) ? LIST_YES : LIST_NO;
}

static bool find_subtree(const struct list *list, const char *name, uint32_t *line_r)
{
	return list->has_subtrees && domain_walk(list->names, DOMAIN_DOTTED, name, line_r);
}

enum list_result list_find_host(const struct list *list, const char *name, uint32_t *line_r)
{
	if (strmap_find(list->names, name, strlen(name), line_r) ||
		find_subtree(list, name, line_r))
		return LIST_YES;
	return LIST_NO;
}

enum list_result list_find_address(const struct list *list, const struct mail_address *address,
	uint32_t *line_r)
{
	const char *at = address->canon + address->local_len; /* "@domain" */

	if (strmap_find(list->names, address->canon, address->canon_len, line_r))
		return LIST_YES;
	if (!address->has_domain)
		return LIST_NO;
	if (list->has_at_domains && strmap_find(list->names, at, strlen(at), line_r))
		return LIST_YES;
	return find_subtree(list, at + 1, line_r) ? LIST_YES : LIST_NO;
}
