/*
 * Parses mail addresses and brings them into one form for comparison. Stateless; any thread may
 * call it.
 */
#include "lib/match/address.h"

#include <string.h>

#include "lib/base/ascii.h"
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

/* Return whether c is atext of RFC 5322 with the UTF-8 of RFC 6532, or a dot. */
static bool is_atom_char(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z') || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool is_dot_string(const char *text, size_t len)
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

/* Return whether the domain is a name or a literal without a character that some MTA interprets. */
static bool is_clear_domain(struct span domain)
{
	bool literal =
		domain.len > 2 && domain.text[0] == '[' && domain.text[domain.len - 1] == ']';
	size_t i;

	for (i = literal ? 1 : 0; i < domain.len - (literal ? 1 : 0); i++) {
		if (!is_atom_char((unsigned char)domain.text[i]) &&
			!(literal && domain.text[i] == ':'))
			return false;
		if (domain.text[i] == '%' || domain.text[i] == '!')
			return false;
	}
	return domain.len > 0;
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

/* Return whether the route has the form "@relay,@relay", where each domain is clear. */
static bool is_clear_route(struct span route)
{
	const char *end = route.text + route.len, *at = route.text, *stop;

	for (; at < end; at = stop + 1) {
		if ((stop = memchr(at, ',', (size_t)(end - at))) == NULL)
			stop = end;
		if (*at != '@' ||
			!is_clear_domain((struct span){ at + 1, (size_t)(stop - at - 1) }))
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

/* Write the canonical form of the local part, which is never longer than the original. Returns its
 * length. */
static size_t canon_local(struct span local, char *out, bool *is_routed_r)
{
	char plain[ADDRESS_MAX + 1];
	bool quoted = local.len > 1 && local.text[0] == '"' && quoted_end(local) == local.len;
	size_t len = 0, i, n = 0;

	for (i = quoted ? 1 : 0; i < local.len - (quoted ? 1 : 0); i++) {
		if (quoted && local.text[i] == '\\')
			i++;
		plain[len++] = ascii_lower(local.text[i]);
	}
	for (i = 0; i < len; i++)
		*is_routed_r |= plain[i] == '%' || plain[i] == '!' || plain[i] == '@';
	if (!quoted || is_dot_string(plain, len)) {
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

/* Write the canonical form of the domain. Returns its length, or -1 when it is too long. */
static int canon_domain(struct span domain, char *out, bool *is_literal_r)
{
	char text[CIDR_TEXT_SIZE];
	struct cidr ip;
	int len;

	if ((len = domain_canon(domain.text, domain.len, out)) < 0)
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

int address_parse(const char *text, size_t len, struct mail_address *address_r)
{
	struct mail_address *a = address_r;
	struct span s = trim((struct span){ text, len }), route, local, domain;
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
	a->local_len = (uint16_t)canon_local(local, a->canon, &a->is_routed);
	a->is_odd = !is_clear_route(route) ||
		(s.len == 0 ? a->is_routed : !is_clear_local(local)) ||
		(at < s.len ? !is_clear_domain(domain) : a->is_routed);
	a->has_domain = a->is_literal = false;
	a->canon_len = a->local_len;
	if (at < s.len) {
		a->canon[a->canon_len++] = '@';
		domain_len = canon_domain(domain, a->canon + a->canon_len, &a->is_literal);
		if (domain_len < 0)
			return -1;
		a->canon_len = (uint16_t)(a->canon_len + domain_len);
		a->has_domain = domain_len > 0; /* IDNA maps some characters to nothing */
	}
	a->canon[a->canon_len] = '\0';
	if (at == s.len && strcmp(a->canon, "postmaster") == 0) { /* caseless: RFC 5321 4.5.1 */
		memcpy(a->text, a->canon, sizeof("postmaster"));
		a->text_len = a->canon_len;
	}
	return 0;
}

void address_read(const char *text, size_t len, struct mail_address *address_r)
{
	if (address_parse(text, len, address_r) == 0)
		return;
	*address_r = (struct mail_address){ .is_odd = true };
	address_r->text_len = (uint16_t)strnlen(text, len < ADDRESS_MAX ? len : ADDRESS_MAX);
	memcpy(address_r->text, text, address_r->text_len);
}

const char *address_domain(const struct mail_address *address)
{
	return address->has_domain ? address->canon + address->local_len + 1 : "";
}

bool address_equal(const struct mail_address *a, const struct mail_address *b)
{
	return a->is_null == b->is_null && a->canon_len == b->canon_len &&
		memcmp(a->canon, b->canon, a->canon_len) == 0;
}

size_t address_base_len(const struct mail_address *address, const char *delimiters)
{
	size_t len;

	if (address->local_len == 0 || address->canon[0] == '"' || delimiters[0] == '\0')
		return address->local_len;
	len = strcspn(address->canon, delimiters);
	return len > 0 && len < address->local_len ? len : address->local_len;
}
