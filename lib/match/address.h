#ifndef POSTERN_ADDRESS_H
#define POSTERN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/domain.h"

#define ADDRESS_MAX 1000 /* bytes of an address as typed; longer ones are refused, never cut */
#define ADDRESS_CANON_SIZE (ADDRESS_MAX + 1 + DOMAIN_SIZE)

/*
 * A mail address (RFC 5321 Mailbox, RFC 6531), as typed and in the one form in which it is
 * compared. A plain value; about 3 KiB.
 *
 * canon is LOCAL@DOMAIN: ASCII letters folded, the domain as domain_canon() has it (a literal
 * in its RFC 5952 form), the local part without quotes when it is a dot-string without them ("x"@d
 * is x@d) and otherwise in quotes with only the needed backslashes.
 */
struct mail_address {
	char text[ADDRESS_MAX +
		1]; /* as typed, without brackets and source route; <Postmaster> in lower case */
	char canon[ADDRESS_CANON_SIZE];
	uint16_t text_len, canon_len;
	uint16_t local_len; /* of canon's local part; the domain starts at local_len + 1 */
	bool is_null;	    /* <> */
	bool has_domain;
	bool is_literal; /* the domain is an address literal */
	bool is_routed;	 /* RFC 5321 source route, or a local part with %, ! or @ that routes on */
	bool is_odd;	 /* an MTA may read another address from it: see address_parse() */
};

/*
 * Parse the address of a MAIL or RCPT command: "<a@b>", "a@b", "<@x,@y:a@b>", "<>", "<postmaster>".
 * White space around it is dropped. Tolerant: what is no address by the grammar is split at the
 * last @. Returns 0, or -1 (longer than ADDRESS_MAX, or NUL, CR or LF inside) with *address_r
 * undefined.
 *
 * Such a one is odd: MTAs read it by RFC 5322 or rules of their own, and come to another address
 * (Postfix 3.7 sends mail for "<a@b(@c>", "<a@b,>" and "<a%b>" to a@b). Not odd are, beside RFC
 * 5321's Path, dots and ] anywhere in the local part, 8-bit characters, a@b@c, which all split at
 * the last @, and a name without a domain.
 */
int address_parse(const char *text, size_t len, struct mail_address *address_r);

/*
 * The same for a command that has to be answered: what address_parse() refuses is an odd address
 * with the beginning of its text and an empty canonical form, which equals no other one.
 */
void address_read(const char *text, size_t len, struct mail_address *address_r);

/* The canonical domain; "" when there is none. */
const char *address_domain(const struct mail_address *address);

/* Whether the canonical forms are equal. */
bool address_equal(const struct mail_address *a, const struct mail_address *b);

/*
 * The local part's length without an extension (RFC 5233): up to the first of the characters
 * in delimiters, if that leaves anything and the local part is not quoted.
 */
size_t address_base_len(const struct mail_address *address, const char *delimiters);

#endif
