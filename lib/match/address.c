/*
 * Parses mail addresses and brings them into one form for comparison. Stateless; any thread may
 * call it.
 */
#include "lib/match/address.h"

#include <string.h>

#include "lib/base/ascii.h"
#include "lib/match/address_private.h"
#include "lib/match/cidr.h"

/* A borrowed piece of text. */
struct span {
	const char *text;
	size_t len;
};

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.text[0] == ' ' || s.text[0] == '\t')) {
		s.text++;
		s.len--;
	}
	while (s.len > 0 && (s.text[s.len - 1] == ' ' || s.text[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Return whether c is atext of RFC 5322 with the UTF-8 of RFC 6532, or a dot. The frequent ones
 * come first. */
static bool is_atom_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || c == '.' || (c >= '0' && c <= '9') ||
		(c >= 'A' && c <= 'Z') || c >= 0x80 || c == '-' ||
		(c != '\0' && strchr("!#$%&'*+/=?^_`{|}~", c) != NULL);
}

bool address_is_dot_string(const char *text, size_t len)
{
	size_t i;

	if (len == 0 || text[0] == '.' || text[len - 1] == '.')
		return false;
	for (i = 0; i < len; i++) {
		if (!is_atom_char((unsigned char)text[i]) || (text[i] == '.' && text[i - 1] == '.'))
			return false;
	}
	return true;
}

/* Return the index after the closing quote of the quoted string at s, or 0 when it is not closed.
 */
static size_t quoted_end(struct span s)
{
	size_t i;

	for (i = 1; i < s.len; i++) {
		if (s.text[i] == '\\')
			i++;
		else if (s.text[i] == '"')
			return i + 1;
	}
	return 0;
}

bool address_is_clear_domain(const char *text, size_t len)
{
	bool literal = len > 2 && text[0] == '[' && text[len - 1] == ']';
	size_t i;

	for (i = literal ? 1 : 0; i < len - (literal ? 1 : 0); i++) {
		if (!is_atom_char((unsigned char)text[i]) && !(literal && text[i] == ':'))
			return false;
		if (text[i] == '%' || text[i] == '!')
			return false;
	}
	return len > 0;
}

/* Return whether the local part is one quoted string of printable characters, or unquoted without
 * special characters other than @ and ]. */
static bool is_clear_local(struct span local)
{
	bool quoted = local.len > 1 && local.text[0] == '"' && quoted_end(local) == local.len;
	size_t i;

	if (local.len == 0 || local.text[0] == '@' || local.text[local.len - 1] == '@')
		return false;
	for (i = 0; i < local.len; i++) {
		if ((unsigned char)local.text[i] < ' ' || local.text[i] == 0x7f)
			return false;
		if (!quoted && !is_atom_char((unsigned char)local.text[i]) &&
			local.text[i] != '@' && local.text[i] != ']')
			return false;
	}
	return true;
}

/* Return whether the route has the form "@relay,@relay", where each domain is clear. Postfix ends
 * the route at the first colon, even within a literal, which RFC 5321 does not allow there. */
static bool is_clear_route(struct span route)
{
	const char *end = route.text + route.len, *at = route.text, *stop;

	for (; at < end; at = stop + 1) {
		if ((stop = memchr(at, ',', (size_t)(end - at))) == NULL)
			stop = end;
		if (*at != '@' || !address_is_clear_domain(at + 1, (size_t)(stop - at - 1)) ||
			memchr(at, ':', (size_t)(stop - at)) != NULL)
			return false;
	}
	return route.len == 0 || at == end + 1; /* otherwise it ends in a comma */
}

/* Remove the source route "@relay,@relay:" (RFC 5321 appendix C) from s. Returns it without its
 * colon, or an empty span when there is none. */
static struct span cut_source_route(struct span *s)
{
	struct span route = { s->text, 0 };
	bool in_literal = false;
	size_t i;

	if (s->len == 0 || s->text[0] != '@')
		return route;
	for (i = 0; i < s->len; i++) {
		if (s->text[i] == '[' || s->text[i] == ']')
			in_literal = s->text[i] == '[';
		if (s->text[i] != ':' || in_literal)
			continue;
		s->text += i + 1;
		s->len -= i + 1;
		route.len = i;
		break;
	}
	return route;
}

/*
 * Return the index of the @ between local part and domain, or s.len when there is none. MTAs use
 * the last one, except for those within a quoted local part.
 */
static size_t find_at(struct span s)
{
	size_t end = s.len > 0 && s.text[0] == '"' ? quoted_end(s) : 0, i;

	for (i = s.len; i > end; i--) {
		if (s.text[i - 1] == '@')
			return i - 1;
	}
	return s.len;
}

/* The kinds of characters in a local part. Other ASCII characters have none. */
enum {
	KIND_ROUTE = 1,	  /* %, ! and @ */
	KIND_SPECIAL = 2, /* others that need quotes, except a space */
	KIND_SPACE = 4,
	KIND_DOT = 8,
	KIND_BAD_DOT = 16, /* at either end, or behind another one */
	KIND_OPEN = 32,	   /* angle brackets and parentheses */
	KIND_CLOSE = 64,
	KIND_WIDE = 0x80, /* not ASCII */
};

static const unsigned char kinds[256] = { ['%'] = KIND_ROUTE,
	['!'] = KIND_ROUTE,
	['@'] = KIND_ROUTE,
	[' '] = KIND_SPACE,
	['.'] = KIND_DOT,
	['"'] = KIND_SPECIAL,
	['('] = KIND_SPECIAL | KIND_OPEN,
	[')'] = KIND_SPECIAL | KIND_CLOSE,
	[','] = KIND_SPECIAL,
	[':'] = KIND_SPECIAL,
	[';'] = KIND_SPECIAL,
	['<'] = KIND_SPECIAL | KIND_OPEN,
	['>'] = KIND_SPECIAL | KIND_CLOSE,
	['['] = KIND_SPECIAL,
	['\\'] = KIND_SPECIAL,
	[']'] = KIND_SPECIAL };

/*
 * Write the canonical form of the local part, which is never longer than the original. Returns its
 * length. Sets a->is_routed, and a->is_odd if quotes contain a routing character beside a special
 * one, or a pair of angle brackets or parentheses: MTAs remove the quotes and parse the rest, each
 * in its own way.
 */
static size_t canon_local(struct span local, struct mail_address *a, unsigned *kinds_r)
{
	char plain[ADDRESS_MAX + 1], *out = a->canon;
	bool quoted = local.len > 1 && local.text[0] == '"' && quoted_end(local) == local.len;
	unsigned seen = 0, kind, before = KIND_DOT;
	size_t len = 0, i, n = 0;

	for (i = quoted ? 1 : 0; i < local.len - (quoted ? 1 : 0); i++) {
		if (quoted && local.text[i] == '\\')
			i++;
		plain[len++] = ascii_lower(local.text[i]);
		kind = kinds[(unsigned char)local.text[i]];
		seen |= kind | (kind & before & KIND_DOT) << 1 |
			((unsigned char)local.text[i] & KIND_WIDE);
		before = kind;
	}
	*kinds_r = seen | (before & KIND_DOT) << 1;
	a->is_routed |= (seen & KIND_ROUTE) != 0;
	a->is_odd = quoted &&
		(((seen & KIND_ROUTE) != 0 && (seen & KIND_SPECIAL) != 0) ||
			((seen & KIND_OPEN) != 0 && (seen & KIND_CLOSE) != 0));
	if (!quoted || address_is_dot_string(plain, len)) {
		memcpy(out, plain, len);
		return len;
	}
	out[n++] = '"';
	for (i = 0; i < len; i++) {
		if (plain[i] == '"' || plain[i] == '\\')
			out[n++] = '\\';
		out[n++] = plain[i];
	}
	out[n++] = '"';
	return n;
}

int address_canon_domain(const char *domain, size_t domain_len, char *out, bool *is_literal_r)
{
	char text[CIDR_TEXT_SIZE];
	struct cidr ip;
	int len;

	if ((len = domain_canon(domain, domain_len, out)) < 0)
		return -1;
	*is_literal_r = len > 1 && out[0] == '[' && out[len - 1] == ']';
	if (!*is_literal_r || len - 2 >= (int)sizeof(text))
		return len;
	memcpy(text, out + 1, (size_t)len - 2);
	text[len - 2] = '\0';
	if (strchr(text, '/') != NULL || cidr_parse(text, &ip, NULL) < 0)
		return len;
	cidr_format(&ip, text);
	len = (int)strlen(text);
	memcpy(out + 1, text, (size_t)len);
	memcpy(out + 1 + len, "]", 2);
	return len + 2;
}

/* The properties of a canonical domain that follow from its dots. */
struct shape {
	bool has_dot;
	bool has_empty_label; /* Sendmail ignores any number of dots at the end */
	bool ends_in_number;  /* the last label consists of digits */
	bool ends_in_uucp;    /* the last label, behind a dot, is uucp */
};

static struct shape shape_of(const char *domain)
{
	struct shape shape = { .has_empty_label = *domain == '.' };
	const char *label = domain, *dot;

	while ((dot = strchr(label, '.')) != NULL) {
		label = dot + 1;
		shape.has_dot = true;
		shape.has_empty_label |= *label == '.' || *label == '\0';
	}
	shape.ends_in_uucp = label > domain && strcmp(label, "uucp") == 0;
	while (*label >= '0' && *label <= '9')
		label++;
	shape.ends_in_number = *label == '\0' && label > domain;
	return shape;
}

/* Return whether the first or the last label is localhost. */
static bool is_localhost(const char *domain, size_t len)
{
	static const char localhost[] = "localhost";
	const size_t localhost_len = sizeof(localhost) - 1;

	if (len <= localhost_len || (domain[0] != 'l' && domain[len - 1] != 't'))
		return false;
	return (memcmp(domain, localhost, localhost_len) == 0 && domain[localhost_len] == '.') ||
		(strcmp(domain + len - localhost_len, localhost) == 0 &&
			domain[len - localhost_len - 1] == '.');
}

static bool is_local_at(const struct mail_address *a, struct shape shape)
{
	const char *domain = a->canon + a->local_len + 1;

	if (!a->has_domain || !shape.has_dot || shape.ends_in_number || domain[0] == '[')
		return true;
	return is_localhost(domain, a->canon_len - a->local_len - 1U);
}

bool address_is_local(const struct mail_address *address)
{
	return is_local_at(address, shape_of(address_domain(address)));
}

/* Set is_simple, and is_odd for an empty label. domain is as typed. */
static void set_kind(struct mail_address *a, unsigned local_kinds, struct span domain)
{
	const struct shape shape = shape_of(address_domain(a));

	a->is_odd |= shape.has_empty_label;
	a->is_simple = a->is_odd || a->is_null ||
		(a->canon[0] != '"' && (local_kinds & ~KIND_DOT) == 0 && !shape.ends_in_uucp &&
			!is_local_at(a, shape) && ascii_is_all(domain.text, domain.len));
}

int address_parse(const char *text, size_t len, struct mail_address *address_r)
{
	struct mail_address *a = address_r;
	struct span s = trim((struct span){ text, len }), route, local, domain;
	unsigned local_kinds;
	int domain_len;
	size_t at;

	if (s.len > ADDRESS_MAX || memchr(s.text, '\0', s.len) != NULL ||
		memchr(s.text, '\r', s.len) != NULL || memchr(s.text, '\n', s.len) != NULL)
		return -1;
	if (s.len >= 2 && s.text[0] == '<' && s.text[s.len - 1] == '>')
		s = trim((struct span){ s.text + 1, s.len - 2 });
	route = cut_source_route(&s);
	a->is_routed = route.len > 0;
	memcpy(a->text, s.text, s.len);
	a->text[s.len] = '\0';
	a->text_len = (uint16_t)s.len;
	a->is_null = s.len == 0;
	at = find_at(s);
	local = (struct span){ s.text, at };
	domain = at < s.len ? (struct span){ s.text + at + 1, s.len - at - 1 } :
			      (struct span){ "", 0 };
	a->local_len = (uint16_t)canon_local(local, a, &local_kinds);
	a->is_odd |= !is_clear_route(route) ||
		(s.len == 0 ? a->is_routed : !is_clear_local(local)) ||
		(at < s.len ? !address_is_clear_domain(domain.text, domain.len) : a->is_routed);
	a->has_domain = a->is_literal = false;
	a->canon_len = a->local_len;
	if (at < s.len) {
		a->canon[a->canon_len++] = '@';
		domain_len = address_canon_domain(domain.text, domain.len, a->canon + a->canon_len,
			&a->is_literal);
		if (domain_len < 0)
			return -1;
		a->canon_len = (uint16_t)(a->canon_len + domain_len);
		a->has_domain = domain_len > 0; /* IDNA maps some characters to nothing */
	}
	a->canon[a->canon_len] = '\0';
	set_kind(a, local_kinds, domain);
	if (at == s.len && strcmp(a->canon, "postmaster") == 0) { /* caseless: RFC 5321 4.5.1 */
		memcpy(a->text, a->canon, sizeof("postmaster"));
		a->text_len = a->canon_len;
	}
	return 0;
}

bool address_parse_internal(const char *text, struct mail_address *address_r)
{
	const char *at = strrchr(text, '@');
	const size_t len = strlen(text), local_len = at == NULL ? len : (size_t)(at - text);
	char quoted[2 * ADDRESS_MAX + 3];
	size_t n = 0, i;

	if (len > ADDRESS_MAX)
		return false;
	if (address_is_dot_string(text, local_len) || text[0] == '"')
		return address_parse(text, len, address_r) == 0;
	quoted[n++] = '"';
	for (i = 0; i < local_len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			quoted[n++] = '\\';
		quoted[n++] = text[i];
	}
	quoted[n++] = '"';
	memcpy(quoted + n, text + local_len, len - local_len);
	return address_parse(quoted, n + len - local_len, address_r) == 0;
}

void address_read(const char *text, size_t len, struct mail_address *address_r)
{
	if (address_parse(text, len, address_r) == 0)
		return;
	*address_r = (struct mail_address){ .is_odd = true, .is_simple = true };
	address_r->text_len = (uint16_t)strnlen(text, len < ADDRESS_MAX ? len : ADDRESS_MAX);
	memcpy(address_r->text, text, address_r->text_len);
}

const char *address_domain(const struct mail_address *address)
{
	return address->has_domain ? address->canon + address->local_len + 1 : "";
}

void address_drop_domain(struct mail_address *address)
{
	address->canon_len = address->local_len;
	address->canon[address->local_len] = '\0';
	address->has_domain = address->is_literal = address->is_simple = false;
}

bool address_is_postmaster(const struct mail_address *address)
{
	return address->local_len == 10 && memcmp(address->canon, "postmaster", 10) == 0;
}

bool address_is_mailer_daemon(const struct mail_address *address)
{
	return address->local_len == 13 && memcmp(address->canon, "mailer-daemon", 13) == 0;
}

bool address_equal(const struct mail_address *a, const struct mail_address *b)
{
	return a->is_null == b->is_null && a->canon_len == b->canon_len &&
		memcmp(a->canon, b->canon, a->canon_len) == 0;
}

/* Return whether Postfix never splits this local part (split_addr() of 3.7). */
static bool is_never_split(const char *local, size_t len)
{
	static const char *const whole[] = { "postmaster", "mailer-daemon", "double-bounce" };
	size_t i;

	for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (strlen(whole[i]) == len && memcmp(local, whole[i], len) == 0)
			return true;
	}
	return false;
}

/* Return whether the local part is that of a mailing list's owner, which no - splits. */
static bool is_of_list(const char *local, size_t len)
{
	return (len >= 6 && memcmp(local, "owner-", 6) == 0) ||
		(len > 8 && memcmp(local + len - 8, "-request", 8) == 0);
}

/* Return whether one of the delimiters is c, other than a - that splits nothing. */
static bool begins_extension(char c, const char *delimiters, bool is_of_list)
{
	return c != '\0' && strchr(delimiters, c) != NULL && !(is_of_list && c == '-');
}

size_t address_local_base_len(const char *local, size_t local_len, const char *delimiters)
{
	const bool of_list = is_of_list(local, local_len);
	size_t len = 0;

	while (len < local_len && !begins_extension(local[len], delimiters, of_list))
		len++;
	return len == 0 || is_never_split(local, local_len) ? local_len : len;
}

size_t address_base_len(const struct mail_address *address, const char *delimiters)
{
	if (delimiters[0] == '\0' || address->canon[0] == '"')
		return address->local_len;
	return address_local_base_len(address->canon, address->local_len, delimiters);
}
