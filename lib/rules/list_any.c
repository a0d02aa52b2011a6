/*
 * access.domains: its entries, and lookups by organizational domain. Part of list.c; any thread may
 * search a list.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/domain.h"
#include "lib/rules/list_private.h"

/* Report why the entry is left out. Returns 0. */
static int leave_out(const struct list *list, const struct entry *entry, struct problems *problems,
	const char *why)
{
	problems_add(problems, "%s:%u: \"%.*s\" %s; left out", list->name, entry->line,
		TEXT_CUT_LEN(entry->text, entry->len, 120), why);
	return 0;
}

/* Add "local@domain" to the denied or the allowed entries. */
static int add_address(struct list *list, struct strmap *map, const struct entry *entry,
	struct problems *problems)
{
	struct mail_address address;

	if (address_parse(entry->text, entry->len, &address) < 0)
		return leave_out(list, entry, problems, "is too long for an address");
	return strmap_add(map, address.canon, address.canon_len, entry->line) < 0 ? -1 : 0;
}

int list_add_any(struct list *list, const struct entry *entry, struct problems *problems)
{
	bool allow = entry->text[0] == '!';
	struct strmap *map = allow ? list->allowed : list->names;
	struct entry e = *entry;
	char name[DOMAIN_SIZE];
	const char *org = name;

	for (; allow && e.len > 0 && (e.text == entry->text || *e.text == ' ' || *e.text == '\t');
		e.len--)
		e.text++;
	if (e.len > 1 && e.text[0] != '@' && memchr(e.text, '@', e.len) != NULL)
		return add_address(list, map, &e, problems);
	if (e.len > 0 && (e.text[0] == '@' || e.text[0] == '.')) {
		e.text++;
		e.len--;
	}
	if (e.len == 0)
		return leave_out(list, entry, problems, "is empty");
	if (domain_canon(e.text, e.len, name) < 0)
		return leave_out(list, entry, problems, "is too long for a domain");
	if (!allow && (org = orgdomain_of(list->psl, name)) == NULL)
		return leave_out(list, entry, problems,
			"has no organizational domain (a public suffix, an address, or no domain)");
	return strmap_add(map, org, strlen(org), entry->line) < 0 ? -1 : 0;
}

/* Return whether the host or a domain above it is listed. If not, the slower lookup in the public
 * suffix list is unnecessary. */
static bool may_be_listed(const struct list *list, const char *name)
{
	return domain_walk(list->names, DOMAIN_PLAIN, name, NULL) ||
		domain_walk(list->allowed, DOMAIN_PLAIN, name, NULL);
}

enum any_result list_any_host(const struct list *list, const char *name, uint32_t *line_r)
{
	const char *org;

	if (!may_be_listed(list, name) || (org = orgdomain_of(list->psl, name)) == NULL)
		return ANY_UNLISTED;
	if (strmap_find(list->allowed, name, strlen(name), line_r) ||
		strmap_find(list->allowed, org, strlen(org), line_r))
		return ANY_ALLOW;
	return strmap_find(list->names, org, strlen(org), line_r) ? ANY_DENY : ANY_UNLISTED;
}

enum any_result list_any_address(const struct list *list, const struct mail_address *address,
	uint32_t *line_r)
{
	if (!address->has_domain)
		return ANY_UNLISTED;
	if (strmap_find(list->allowed, address->canon, address->canon_len, line_r))
		return ANY_ALLOW;
	if (strmap_find(list->names, address->canon, address->canon_len, line_r))
		return ANY_DENY;
	return address->is_literal ? ANY_UNLISTED :
				     list_any_host(list, address_domain(address), line_r);
}
