#ifndef POSTERN_FROM_ADDRESS_H
#define POSTERN_FROM_ADDRESS_H

#include <stdbool.h>

#include "lib/match/address.h"

/* What mail programs make of an address that from_grammar.c accepts. Thread-safe. */

/*
 * Return whether all programs accept the address: it is ASCII, with at most 64 bytes in the local
 * part, and the domain is a host name with a dot. Where a program does not accept an address, it
 * may take an address in the name for the author (Cypht).
 */
bool from_address_is_usual(const struct mail_address *address);

/*
 * Return whether the domain is written in ASCII and U-labels (RFC 5890), in any case, or is
 * missing. Other letters and dots that IDNA maps to ASCII, such as fullwidth ones, do not occur in
 * mail. Programs that do not map them show a domain that ends before them or lacks them: Cyrus IMAP
 * shows me@mine.co for me@mine.coｍ, and Emacs ceo@downmine.m for ceo@down。mine.m.
 */
bool from_domain_is_plain(const struct mail_address *address);

enum from_misreading {
	FROM_BEHIND_DOTS, /* a..b@c becomes b@c (Evolution; Email::Address for Perl) */
	FROM_CUT_DOMAIN,  /* a@b.c_d.e becomes a@b.c: the domain ends before a character that no
			     host name has (Cyrus IMAP; Mail::Message for Perl) */
	FROM_WITHOUT_CONTROLS, /* of a malformed field: mailparser and postal-mime for Node leave
				  control characters out, also within a domain */
	FROM_MISREADINGS
};

/* Find the address that some programs show instead, unless it has no full domain. Returns whether
 * there is one. */
bool from_address_misread(const struct mail_address *address, enum from_misreading misreading,
	struct mail_address *shown_r);

#endif
