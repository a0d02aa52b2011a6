/*
 * access.domains: its entries, and lookups by organizational domain. Part of list.c; any thread may
 * search a list.
 */
#include <string.h>

#include "lib/match/address_readings.h"
#include "lib/match/domain.h"
#include "lib/rules/list_private.h"

int list_add_any(struct list *list, const struct entry *entry)
{
	bool allow = entry->text[0] == '!';
	struct strmap *map = allow ? list->allowed : list->names;
	struct entry e = *entry;
	struct mail_address address;
	char name[DOMAIN_SIZE];
	const char *org = name;

	for (; allow && (e.text == entry->text || *e.text == ' ' || *e.text == '\t'); e.len--)
		e.text++;
	if (e.text[0] != '@' && memchr(e.text, '@', e.len) != NULL) {
		if (address_parse(e.text, e.len, &address) < 0)
			return 0; /* entry_check() has refused it */
		if (!allow && list_add_local(list->locals, &address, e.line) < 0)
			return -1;
		return list_add_mailbox(map, &address, e.line);
	}
	if (e.text[0] == '@' || e.text[0] == '.') {
		e.text++;
		e.len--;
	}
	if (domain_canon(e.text, e.len, name) < 0 ||
		(!allow && (org = orgdomain_of(list->psl, name)) == NULL))
		return 0;
	if (!allow && list->domain_line == 0)
		list->domain_line = e.line;
	return strmap_add(map, org, strlen(org), e.line) < 0 ? -1 : 0;
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

static enum any_result find_form(const struct list *list, const char *text, size_t len,
	uint32_t *line_r)
{
	if (strmap_find(list->allowed, text, len, line_r))
		return ANY_ALLOW;
	return strmap_find(list->names, text, len, line_r) ? ANY_DENY : ANY_UNLISTED;
}

/* Return whether the list denies the address for an MTA that has only one of several delimiters. */
static bool is_denied_by_one(const struct list *list, const struct mail_address *address,
	const char *delimiters, uint32_t *line_r)
{
	const unsigned forms = address_all_keys(delimiters);
	struct address_key key;

	for (unsigned form = ADDRESS_KEYS; form < forms; form++) {
		if (address_key(address, delimiters, form, &key) &&
			find_form(list, key.text, key.len, line_r) == ANY_DENY)
			return true;
	}
	return false;
}

/* Find an address that has several forms, but is not listed as it is. */
static enum any_result find_other_forms(const struct list *list, const struct mail_address *address,
	const char *delimiters, uint32_t *line_r)
{
	enum any_result result = ANY_UNLISTED;
	struct address_key key;

	for (unsigned form = 1; form < ADDRESS_KEYS && result == ANY_UNLISTED; form++) {
		/* Before the form without its extension: another mailbox may be excepted. */
		if (form == 2 && is_denied_by_one(list, address, delimiters, line_r))
			result = ANY_DENY;
		else if (address_key(address, delimiters, form, &key))
			result = find_form(list, key.text, key.len, line_r);
	}
	return result;
}

enum any_result list_any_address(const struct list *list, const struct mail_address *address,
	const char *delimiters, uint32_t *line_r)
{
	enum any_result result;

	if (!address->has_domain)
		return ANY_UNLISTED;
	result = find_form(list, address->canon, address->canon_len, line_r);
	if (result == ANY_UNLISTED && !address_has_one_key(address, delimiters))
		result = find_other_forms(list, address, delimiters, line_r);
	if (result != ANY_UNLISTED)
		return result;
	return address->is_literal ? ANY_UNLISTED :
				     list_any_host(list, address_domain(address), line_r);
}
