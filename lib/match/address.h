#ifndef POSTERN_ADDRESS_H
#define POSTERN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/match/domain.h"

#define ADDRESS_MAX 1000 /* bytes of an address as typed; a longer one is refused, never cut */
#define ADDRESS_CANON_SIZE (ADDRESS_MAX + 1 + DOMAIN_SIZE)

/*
 * A mail address (RFC 5321 Mailbox, RFC 6531), as typed and in the canonical form, in which
 * addresses are compared. A plain value of about 3 KiB.
 *
 * canon is LOCAL@DOMAIN with ASCII letters in lower case. The domain has the form of
 * domain_canon(), a literal that of RFC 5952. The local part has no quotes if it is a dot-string
 * without them ("x"@d becomes x@d); otherwise it is quoted, with only the necessary backslashes.
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
	bool is_routed;	 /* a source route (RFC 5321), or a local part that routes with %, ! or @ */
	bool is_odd;	 /* an MTA may read it as another address: see address_parse() */
	bool is_simple;	 /* one reading and one spelling, at a full domain name in ASCII:
			    address_readings.h; also an odd address, which is refused, and <> */
};

/*
 * Parse the address of a MAIL or RCPT command: "<a@b>", "a@b", "<@x,@y:a@b>", "<>", "<postmaster>".
 * White space around it is ignored. The parser is tolerant: text that violates the grammar is split
 * at the last @. Returns 0, or -1 with *address_r undefined when the text is longer than
 * ADDRESS_MAX or contains NUL, CR or LF. Thread-safe.
 *
 * An address that violates the grammar is odd, because MTAs parse it by RFC 5322 or by their own
 * rules and arrive at another address: Postfix 3.7 sends mail for "<a@b(@c>", "<a@b,>" and "<a%b>"
 * to a@b. Also odd is a quoted local part that contains a routing character beside a special one
 * other than a space, or a pair of angle brackets or parentheses, because MTAs remove the quotes
 * and parse the rest: Sendmail sends mail for <"<a>"@b> to a@b, and for <"a(x)b"@c> to a.b@c, where
 * BlankSub may be set to another character than the dot. These are not odd although RFC 5321's Path
 * does not allow them: dots and ] anywhere in the local part, 8-bit characters, a@b@c (all MTAs
 * split it at the last @), and a name without a domain.
 */
int address_parse(const char *text, size_t len, struct mail_address *address_r);

/*
 * Parse an address as an MTA has it in its memory: the local part need not have the quotes that it
 * would need in a command. Returns false when it is not an address. Thread-safe.
 */
bool address_parse_internal(const char *text, struct mail_address *address_r);

/*
 * Parse the address of a command that must be answered. Text that address_parse() refuses becomes
 * an odd address with the beginning of the text and an empty canonical form, which equals no other.
 */
void address_read(const char *text, size_t len, struct mail_address *address_r);

/* Return the canonical domain, or "" when there is none. It lives as long as the address. */
const char *address_domain(const struct mail_address *address);

/*
 * Return whether the MTA may deliver the address to the local part at one of its own domains: it
 * has no domain, or the domain is a name without a dot, localhost (RFC 6761; also its first label),
 * an address literal, or a name whose last label is a number, as in an address without brackets.
 */
bool address_is_local(const struct mail_address *address);

/* Remove the domain. The address is then neither simple nor a literal. */
void address_drop_domain(struct mail_address *address);

/* Return whether the local part is postmaster (RFC 5321 section 4.5.1). */
bool address_is_postmaster(const struct mail_address *address);

/* Return whether the local part is mailer-daemon. */
bool address_is_mailer_daemon(const struct mail_address *address);

/* Return whether the canonical forms are equal. */
bool address_equal(const struct mail_address *a, const struct mail_address *b);

/*
 * Return the length of the canonical local part without an extension (RFC 5233): up to the first of
 * the characters in delimiters, unless nothing precedes it or the local part is quoted. As in
 * Postfix, postmaster, mailer-daemon and double-bounce have no extension, and no - begins one in
 * owner-NAME or NAME-request. Other delimiters do, because the MTA may have only these.
 */
size_t address_base_len(const struct mail_address *address, const char *delimiters);

#endif
