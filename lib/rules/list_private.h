#ifndef POSTERN_LIST_PRIVATE_H
#define POSTERN_LIST_PRIVATE_H

#include "lib/base/strmap.h"
#include "lib/rules/list.h"

/* Shared by list.c, list_exact.c and list_any.c. */
struct list {
	unsigned refs;
	enum list_id id;
	const char *name; /* the name of the file */
	/*
	 * The line of each entry. Exact lists: "name", ".domain" (with all subdomains),
	 * "local@domain", "@domain". access.domains: denied organizational domains and addresses.
	 */
	struct strmap *names;
	struct strmap *allowed;	   /* access.domains: the ! entries */
	struct strmap *locals;	   /* the local parts of denied addresses, only of LIST_MAIL_DENY,
				      LIST_RCPT_DENY and LIST_DOMAINS */
	struct cidr_set *nets;	   /* client lists */
	uint64_t refused_bytes;	   /* of the text of regexes that were refused */
	struct regexlist *regexes; /* regex lists */
	struct orgdomain *psl;	   /* access.domains */
	bool has_subtrees;	   /* a ".domain" entry */
	bool has_at_domains;	   /* an "@domain" entry */
	uint32_t domain_line;	   /* of the first entry of either kind */
};

/* One entry of a file, with its line. */
struct entry {
	const char *text;
	size_t len;
	uint32_t line;
};

/* Add the address to a map, also with folded case, which readings of an address have. Returns 0, or
 * -1 when out of memory. */
int list_add_mailbox(struct strmap *map, const struct mail_address *address, uint32_t line);

/* Add the local part of a denied address in the same way. */
int list_add_local(struct strmap *map, const struct mail_address *address, uint32_t line);

/* Add an entry that entry_check() accepts. Returns 0, or -1 when out of memory. */
int list_add_client(struct list *list, const struct entry *entry);
int list_add_address(struct list *list, const struct entry *entry);
int list_add_any(struct list *list, const struct entry *entry);

#endif
