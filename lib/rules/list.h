#ifndef POSTERN_LIST_H
#define POSTERN_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/match/orgdomain.h"
#include "lib/match/regexlist.h"

/* The list files, by name in list_name(). */
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
 * One list file's content, ready to be asked. Immutable, reference-counted;
 * any thread may ask it. An empty list and a missing file are the same.
 */
struct list;

/*
 * Build a list from its file's text: one entry a line (LF, CRLF or CR), comments, blanks as
 * design 3.1 has them. A bad line is left out and named in problems as "NAME:LINE: reason". psl is
 * needed for LIST_DOMAINS. NULL only when out of memory.
 */
struct list *list_build(enum list_id id, const char *text, size_t len, struct orgdomain *psl,
	struct problems *problems);

struct list *list_ref(struct list *list);
void list_unref(struct list **list); /* takes NULL */

size_t list_entries(const struct list *list);
size_t list_bytes(const struct list *list);

/* Results of a look: found, with the line of the entry; or (regex lists) not to be known. */
enum list_result { LIST_NO, LIST_YES, LIST_FAILED };

/* Exact lists: an address of a client, a canonical host name, a mail address. */
enum list_result list_find_client(const struct list *list, const struct cidr *client,
	uint32_t *line_r);
enum list_result list_find_host(const struct list *list, const char *name, uint32_t *line_r);
enum list_result list_find_address(const struct list *list, const struct mail_address *address,
	uint32_t *line_r);

/* Regex lists. */
enum list_result list_match(const struct list *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *line_r);

/*
 * access.domains. What a subject is told: nothing, allowed, denied. name is
 * canonical; address NULL when the subject is a host name only.
 */
enum any_result { ANY_UNLISTED, ANY_ALLOW, ANY_DENY };
enum any_result list_any_host(const struct list *list, const char *name, uint32_t *line_r);
enum any_result list_any_address(const struct list *list, const struct mail_address *address,
	uint32_t *line_r);

#endif
