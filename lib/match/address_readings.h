#ifndef POSTERN_ADDRESS_READINGS_H
#define POSTERN_ADDRESS_READINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/match/address.h"

/*
 * The addresses to which an MTA may deliver mail for an address. Postfix (swap_bangpath,
 * allow_percent_hack, resolve_dequoted_address: all on by default) and Sendmail remove a domain of
 * their own from a recipient, look for routing characters in the rest, also within quotes, and
 * begin anew. One step makes
 *
 *	a%b@c, a@b@c, "a@b"@c	a@b (the last of @ and %)
 *	b!a@c, "@b!a"@c		a@b (the first !)
 *	a%@c, !a@c		a@c (no domain: that of the address stays)
 *	"!b!a x"@c		ax@b (Postfix: the first ! has no domain)
 *	"\"a\""@c, "\\a"@c	a@c (quotes, or one backslash, within quotes)
 *	""@c			mailer-daemon@c (Postfix's empty_address_recipient)
 *	a@[host.example]	a@host.example (Sendmail: the host, without its MX)
 *	a@host.example.uucp	a@host.example (Sendmail: if DNS has the host)
 *	ſales@c			sales@c (Postfix folds case beyond ASCII: case_fold.h)
 *	a@straße.example	a@strasse.example (the same, where the domain was typed so)
 *
 * No domain is excluded, because only the MTA knows which are its own. Where two
 * steps are possible (b!a%d@c), both are made. Spaces around the pieces of a route are ignored, as
 * MTAs do.
 * Local parts with other special characters beside a routing one do not occur: such an address is
 * odd.
 */

/* The most readings of an address, including the address itself. One with more must be refused. */
#define ADDRESS_READINGS_MAX 16

struct address_readings {
	size_t count;
	/* The readings from this one on are possible, but not likely: those by the folded case of a
	 * domain, which IDNA 2008 keeps apart, and by address_readings_add(). */
	size_t certain;
	/* [0]: the address itself. The last place is for one too many. */
	struct mail_address at[ADDRESS_READINGS_MAX + 1];
};

/*
 * Find all readings of an address that is not odd, each once. Returns false, with an incomplete
 * result, when there are too many. The time is bounded, because every step shortens the address.
 * The texts of the readings are empty, except the first. Thread-safe.
 */
bool address_readings_find(const struct mail_address *address, struct address_readings *readings_r);

/* Add a reading, if it is new, and those to which it leads. Returns as address_readings_find(). */
bool address_readings_add(const struct mail_address *address, struct address_readings *readings);

/*
 * Return whether the local parts are equal without quotes and backslashes, or differ only in the
 * extension. Sets *is_whole_r to whether they are equal with the extension. delimiters is "" or the
 * characters that begin an extension.
 */
bool address_same_local(const struct mail_address *a, const struct mail_address *b,
	const char *delimiters, bool *is_whole_r);

/* Remove all quotes and backslashes from the local part except those that it needs. Returns false
 * if the result is too long. */
bool address_unescape(const struct mail_address *address, struct mail_address *plain_r);

/*
 * Return whether an MTA may deliver mail to the address itself: no step leads from it, or none
 * leads from the address without its extension. An MTA that does not rewrite the address undoes
 * nothing in an extension, so that bob+x%b@c is delivered to bob@c. delimiters is "" or the
 * characters that begin an extension. The step of the domain's case does not count. The last
 * reading of an address is always final.
 */
bool address_is_final(const struct mail_address *address, const char *delimiters);

/*
 * Find the reading from which no further step leads, in the order of Postfix and Sendmail: first @,
 * then !, then %, and case last. Stops after ADDRESS_READINGS_MAX steps.
 */
void address_innermost(const struct mail_address *address, struct mail_address *inner_r);

/* Fold the case of a local part that is not ASCII. false: that does not change it, or the result
 * would be too long. */
bool address_fold(const struct mail_address *address, struct mail_address *folded_r);

/* Move the local part to a canonical domain. false: the result would be too long. */
bool address_at_domain(const struct mail_address *address, const char *domain,
	struct mail_address *moved_r);

/* A form of an address for lookups; a NUL ends it. */
struct address_key {
	char text[ADDRESS_CANON_SIZE];
	size_t len;
};

/*
 * Write one of the forms under which a list may contain an address, which are all delivered to the
 * same mailbox:
 *
 *	0	canonical
 *	1	with the local part quoted if 0 has it unquoted, and vice versa: "x..y"@d and x..y@d
 *	2	without its extension: all@d for all+x@d
 *	3	2 as 1
 *	4, 5	as 2 and 3 for an MTA that has only the first of several delimiters: all-x@d for
 *		all-x+y@d; the next two only the second one, and so on
 *
 * Whatever part of the delimiters the MTA has, the address without its extension is among them.
 * Returns false if the address has no such form. A dot-string has no quoted form. delimiters is ""
 * or the characters that begin an extension. Thread-safe.
 */
#define ADDRESS_KEYS 4 /* of an MTA that has all of the delimiters */
unsigned address_all_keys(const char *delimiters);
bool address_key(const struct mail_address *address, const char *delimiters, unsigned form,
	struct address_key *key_r);

/* Return whether form 0 is the only one of all. */
bool address_has_one_key(const struct mail_address *address, const char *delimiters);

/* Write the form under which the address is counted: without an extension, and quoted unless the
 * local part is a dot-string. */
void address_count_key(const struct mail_address *address, const char *delimiters,
	struct address_key *key_r);

#endif
