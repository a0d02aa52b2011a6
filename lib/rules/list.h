#ifndef POSTERN_LIST_H
#define POSTERN_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/match/orgdomain.h"
#include "lib/match/regexlist.h"

/* The list files; list_name() returns their names. */
enum list_id {
	LIST_CONN_ALLOW,
	LIST_CONN_ALLOW_RE,
	LIST_CONN_DENY,
	LIST_CONN_DENY_RE,
	LIST_HELO_DENY_RE,
	LIST_MAIL_ALLOW,
	LIST_MAIL_ALLOW_RE,
	LIST_MAIL_DENY,
	LIST_MAIL_DENY_RE,
	LIST_RCPT_ALLOW,
	LIST_RCPT_ALLOW_RE,
	LIST_RCPT_DENY,
	LIST_RCPT_DENY_RE,
	LIST_DOMAINS, /* access.domains */
	LIST_COUNT
};

const char *list_name(enum list_id id); /* the file's name */

/*
 * The content of one list file, ready for lookups. Immutable and reference-counted; any thread may
 * search it. A missing file gives an empty list.
 */
struct list;

/*
 * Build a list from the text of its file (list_lines.h). A bad line is left out and reported in
 * problems (may be NULL) as "NAME:LINE: reason". LIST_DOMAINS needs psl, of which it keeps a
 * reference. Returns NULL only when out of memory.
 */
struct list *list_build(enum list_id id, const char *text, size_t len, struct orgdomain *psl,
	struct problems *problems);

/* The text of a list's file. Borrows everything. */
struct list_text {
	const char *text;
	size_t len;
	const atomic_bool
		*is_unwanted; /* becomes true if nobody wants the list; NULL: it is wanted */
};

/*
 * Build the next version of a list: previous has the same id and stays as it is; NULL: there is
 * none. Regexes that it has need not be compiled again, and if it has all of them in the same
 * order, what regexlist_prepare() has made or makes of them serves both. Returns NULL also if the
 * list is not wanted any more.
 */
struct list *list_rebuild(const struct list *previous, enum list_id id,
	const struct list_text *text, struct orgdomain *psl, struct problems *problems);

struct list *list_ref(struct list *list);
void list_unref(struct list **list); /* accepts NULL */

struct regexlist *list_regexes(const struct list *list); /* empty unless it is a regex list */

/* Return the line of the first entry of a domain among addresses, or that access.domains denies; 0
 * if there is none. */
uint32_t list_domain_line(const struct list *list);

size_t list_entries(const struct list *list);
size_t list_bytes(const struct list *list); /* memory in use */

/* LIST_YES sets *line_r to the line of the entry. LIST_FAILED: a regex exceeded its limits, so that
 * the answer is unknown; *line_r is its line. */
enum list_result { LIST_NO, LIST_YES, LIST_FAILED };

/*
 * Search an exact list for a client's address, a canonical host name, or a mail address. An address
 * is looked up in full, then without the extension that one of the delimiters begins ("": there are
 * none), each in both spellings (address_key()), then by its domain. Lists that deny also contain
 * it if they would for an MTA that has only one of the delimiters.
 */
enum list_result list_find_client(const struct list *list, const struct cidr *client,
	uint32_t *line_r);
enum list_result list_find_host(const struct list *list, const char *name, uint32_t *line_r);
enum list_result list_find_address(const struct list *list, const struct mail_address *address,
	const char *delimiters, uint32_t *line_r);

/*
 * Return whether the list could contain the local part of an address at a domain that is not known:
 * it has an entry of an address with that local part or, with by_domain and except for
 * LIST_DOMAINS, of a domain. *line_r is then its line. For LIST_MAIL_DENY, LIST_RCPT_DENY and
 * LIST_DOMAINS only.
 */
bool list_may_deny_local(const struct list *list, const struct mail_address *address,
	const char *delimiters, bool by_domain, uint32_t *line_r);

/* Match a subject against a regex list. */
enum list_result list_match(const struct list *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *line_r);

/*
 * Search access.domains for a canonical host name or a mail address: it is unlisted, or *line_r is
 * the line that allows or denies it. The forms of an address are those of list_find_address().
 */
enum any_result { ANY_UNLISTED, ANY_ALLOW, ANY_DENY };
enum any_result list_any_host(const struct list *list, const char *name, uint32_t *line_r);
enum any_result list_any_address(const struct list *list, const struct mail_address *address,
	const char *delimiters, uint32_t *line_r);

#endif
