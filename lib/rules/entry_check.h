#ifndef POSTERN_ENTRY_CHECK_H
#define POSTERN_ENTRY_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/match/orgdomain.h"

/* The list or column of an entry, which determines its forms. postern-lists(5) describes them. */
enum entry_kind {
	ENTRY_CLIENT,  /* connect.rdns_access: an address, a network, a host name, .domain */
	ENTRY_ADDRESS, /* mail_from.access, rcpt_to.access: an address, @domain, .domain */
	ENTRY_ANY,     /* access.domains: a domain, an address; ! before it allows it */
	ENTRY_FROM,    /* froms of a user: an address, @domain, .domain, * */
	ENTRY_HOST,    /* host of a profile: a domain, .domain */
	ENTRY_RCPT,    /* rcpt of a profile: an address */
};

/*
 * Return whether an exact entry, which is not empty, can match anything. Otherwise fault becomes a
 * text of the form "ENTRY" REASON; write RIGHT. psl is needed for ENTRY_ANY alone. An entry that
 * can match is never refused, with these exceptions: a name with a dot but without @ among
 * addresses (evil.example), * before an @, and invisible characters and white space in a local part
 * without quotes, which almost certainly are mistakes. fault may be NULL if nobody reads the text,
 * which takes longer to find than the result. Thread-safe.
 */
bool entry_check(enum entry_kind kind, const char *text, size_t len, const struct orgdomain *psl,
	struct errmsg *fault);

/* Return whether an entry that can match is probably meant as a wildcard, an exception, a part of a
 * name or an address, or a client without a name, and set note to a text of the same form. */
bool entry_is_doubtful(enum entry_kind kind, const char *text, size_t len, struct errmsg *note);

/* Return whether the name of a client means other clients elsewhere, as in Postfix or
 * hosts_access(5), and set note as entry_is_doubtful() does. */
bool entry_is_word(const char *text, size_t len, struct errmsg *note);

/* Return whether an entry for recipients is an address at a name that only mail of the machine
 * itself has, such as root@localhost, and set note as entry_is_doubtful() does. */
bool entry_is_local(const char *text, size_t len, struct errmsg *note);

#endif
