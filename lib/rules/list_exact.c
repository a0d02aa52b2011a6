/*
 * Exact lists of clients and of addresses: their entries and lookups. Part of list.c; any thread
 * may search a list.
 */
#include <string.h>

#include "lib/match/address_readings.h"
#include "lib/match/domain.h"
#include "lib/rules/list_private.h"

static int add_name(struct list *list, const char *name, size_t len, uint32_t line)
{
	return strmap_add(list->names, name, len, line) < 0 ? -1 : 0;
}

static void note_domain(struct list *list, const struct entry *entry)
{
	if (list->domain_line == 0)
		list->domain_line = entry->line;
}

/* Add ".example.com": the domain with all its subdomains. */
static int add_subtree(struct list *list, const struct entry *entry)
{
	char name[1 + DOMAIN_SIZE] = ".";
	int len = domain_canon(entry->text + 1, entry->len - 1, name + 1);

	if (len < 0)
		return 0; /* too long: list_entry_fits() has refused it */
	list->has_subtrees = true;
	note_domain(list, entry);
	return add_name(list, name, (size_t)len + 1, entry->line);
}

int list_add_client(struct list *list, const struct entry *entry)
{
	char text[DOMAIN_SIZE], name[DOMAIN_SIZE];
	struct cidr net;
	int len;

	memcpy(text, entry->text, entry->len);
	text[entry->len] = '\0';
	if (cidr_parse(text, &net, NULL) == 0)
		return cidr_set_add(list->nets, &net, entry->line) < 0 ? -1 : 0;
	if (entry->text[0] == '.')
		return add_subtree(list, entry);
	len = domain_canon(entry->text, entry->len, name);
	return len < 0 ? 0 : add_name(list, name, (size_t)len, entry->line);
}

int list_add_mailbox(struct strmap *map, const struct mail_address *address, uint32_t line)
{
	struct mail_address folded;

	if (strmap_add(map, address->canon, address->canon_len, line) < 0)
		return -1;
	return address_fold(address, &folded) &&
			strmap_add(map, folded.canon, folded.canon_len, line) < 0 ?
		-1 :
		0;
}

int list_add_local(struct strmap *map, const struct mail_address *address, uint32_t line)
{
	struct mail_address folded;

	if (strmap_add(map, address->canon, address->local_len, line) < 0)
		return -1;
	return address_fold(address, &folded) &&
			strmap_add(map, folded.canon, folded.local_len, line) < 0 ?
		-1 :
		0;
}

int list_add_address(struct list *list, const struct entry *entry)
{
	char name[1 + DOMAIN_SIZE] = "@";
	struct mail_address address;
	int len;

	if (entry->text[0] == '.' && memchr(entry->text, '@', entry->len) == NULL)
		return add_subtree(list, entry);
	list->has_at_domains |= entry->text[0] == '@';
	if (entry->text[0] == '@' && entry->text[1] != '[') {
		len = domain_canon(entry->text + 1, entry->len - 1, name + 1);
		note_domain(list, entry);
		return len < 0 ? 0 : add_name(list, name, (size_t)len + 1, entry->line);
	}
	if (address_parse(entry->text, entry->len, &address) < 0) /* also "@[IPv6:2001:db8::1]" */
		return 0;
	if ((list->id == LIST_RCPT_DENY || list->id == LIST_MAIL_DENY) &&
		list_add_local(list->locals, &address, entry->line) < 0)
		return -1;
	return list_add_mailbox(list->names, &address, entry->line);
}

uint32_t list_domain_line(const struct list *list)
{
	return list->domain_line;
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

/* Look the address up under its first forms but the canonical one. */
static bool find_other_forms(const struct strmap *map, const struct mail_address *address,
	const char *delimiters, unsigned forms, uint32_t *line_r)
{
	struct address_key key;
	unsigned form;

	for (form = 1; form < forms; form++) {
		if (address_key(address, delimiters, form, &key) &&
			strmap_find(map, key.text, key.len, line_r))
			return true;
	}
	return false;
}

enum list_result list_find_address(const struct list *list, const struct mail_address *address,
	const char *delimiters, uint32_t *line_r)
{
	const char *at = address->canon + address->local_len; /* "@domain" */
	const bool is_deny = list->id == LIST_RCPT_DENY || list->id == LIST_MAIL_DENY;
	const unsigned forms = is_deny ? address_all_keys(delimiters) : ADDRESS_KEYS;

	if (strmap_find(list->names, address->canon, address->canon_len, line_r) ||
		(!address_has_one_key(address, delimiters) &&
			find_other_forms(list->names, address, delimiters, forms, line_r)))
		return LIST_YES;
	if (!address->has_domain)
		return LIST_NO;
	if (list->has_at_domains && strmap_find(list->names, at, strlen(at), line_r))
		return LIST_YES;
	return find_subtree(list, at + 1, line_r) ? LIST_YES : LIST_NO;
}

bool list_may_deny_local(const struct list *list, const struct mail_address *address,
	const char *delimiters, bool by_domain, uint32_t *line_r)
{
	struct mail_address local = *address;

	address_drop_domain(&local);
	if (strmap_find(list->locals, local.canon, local.local_len, line_r) ||
		find_other_forms(list->locals, &local, delimiters, address_all_keys(delimiters),
			line_r))
		return true;
	if (by_domain && list->id != LIST_DOMAINS && list->domain_line != 0) {
		*line_r = list->domain_line;
		return true;
	}
	return false;
}
