/*
 * Tells which addresses of From fields every mail program accepts, and which address some programs
 * show instead of another one. Stateless; any thread may call it.
 */
#include "lib/match/from_address.h"

#include <string.h>

#include "lib/base/ascii.h"
#include "lib/match/from_text.h"

#define LOCAL_PART_LONGEST 64 /* RFC 5321 section 4.5.3.1.1 */
#define LABEL_LONGEST 63

/* An address as typed. */
struct parts {
	const char *local, *at, *domain, *end;
};

static struct parts split(const struct mail_address *address)
{
	struct parts p = { .local = address->text, .end = address->text + address->text_len };

	p.at = memrchr(address->text, '@', address->text_len);
	if (p.at == NULL)
		p.at = p.end;
	p.domain = p.at < p.end ? p.at + 1 : p.end;
	return p;
}

/* Return the end of the characters that a host name may have, with its dots. */
static const char *host_end(const char *text, const char *end)
{
	char c;

	for (; text < end; text++) {
		c = ascii_lower(*text);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.')
			break;
	}
	return text;
}

/* Return whether the text, which has only characters of a host name, consists of its labels. */
static bool has_host_labels(const char *text, const char *end)
{
	const char *stop;
	size_t labels = 0;

	for (; text <= end; text = stop + 1) {
		if ((stop = memchr(text, '.', (size_t)(end - text))) == NULL)
			stop = end;
		if (stop == text || stop - text > LABEL_LONGEST || *text == '-' || stop[-1] == '-')
			return false;
		labels++;
	}
	return labels > 1;
}

bool from_address_is_usual(const struct mail_address *address)
{
	const struct parts p = split(address);

	return p.at - p.local <= LOCAL_PART_LONGEST && ascii_is_all(p.local, address->text_len) &&
		host_end(p.domain, p.end) == p.end && has_host_labels(p.domain, p.end);
}

/* Return the end of the label at text. */
static const char *label_end(const char *text, const char *end)
{
	const char *dot = memchr(text, '.', (size_t)(end - text));

	return dot != NULL ? dot : end;
}

static const char *skip_wide(const char *text, const char *end)
{
	while (text < end && (unsigned char)*text >= 0x80)
		text++;
	return text;
}

/* Return whether the texts have the same ASCII characters. */
static bool is_same_ascii(const char *a, const char *a_end, const char *b, const char *b_end)
{
	for (;; a++, b++) {
		a = skip_wide(a, a_end);
		b = skip_wide(b, b_end);
		if (a == a_end || b == b_end)
			return a == a_end && b == b_end;
		if (ascii_lower(*a) != ascii_lower(*b))
			return false;
	}
}

/* Return whether the label is ASCII or a U-label. canon is its canonical form: an A-label, in which
 * Punycode (RFC 3492) has the ASCII characters in front of the last hyphen, or the label itself. */
static bool is_plain_label(const char *label, const char *end, const char *canon,
	const char *canon_end)
{
	const char *hyphen;

	if (ascii_is_all(label, (size_t)(end - label)))
		return true;
	if (canon_end - canon > 4 && memcmp(canon, "xn--", 4) == 0) {
		canon += 4;
		hyphen = memrchr(canon, '-', (size_t)(canon_end - canon));
		canon_end = hyphen != NULL ? hyphen : canon;
	} else if (ascii_is_all(canon, (size_t)(canon_end - canon))) {
		return false;
	}
	return is_same_ascii(label, end, canon, canon_end);
}

bool from_domain_is_plain(const struct mail_address *address)
{
	const struct parts p = split(address);
	const char *label = p.domain, *canon = address_domain(address),
		   *canon_end = canon + strlen(canon), *end, *stop;

	if (ascii_is_all(p.domain, (size_t)(p.end - p.domain)))
		return true;
	if (from_has_wide_dot(p.domain, (size_t)(p.end - p.domain)))
		return false;
	for (;; label = end + 1, canon = stop + 1) {
		end = label_end(label, p.end);
		stop = label_end(canon, canon_end);
		if (!is_plain_label(label, end, canon, stop))
			return false;
		if (stop == canon_end) /* a dot at the end is not canonical */
			return end == p.end || end + 1 == p.end;
		if (end == p.end)
			return false;
	}
}

/* Return what is behind the last two dots of the local part, or NULL. */
static const char *behind_dots(const struct parts *p)
{
	const char *behind = NULL, *c;

	for (c = p->local; *p->local != '"' && c + 2 < p->at; c++) {
		if (c[0] == '.' && c[1] == '.')
			behind = c + 2;
	}
	return behind;
}

/* Parse the address without its control characters. Returns whether it has any. */
static bool parse_without_controls(const struct mail_address *address, struct mail_address *shown_r)
{
	char text[ADDRESS_MAX + 1];
	size_t len = 0, i;

	for (i = 0; i < address->text_len; i++) {
		if ((unsigned char)address->text[i] >= ' ' && address->text[i] != 0x7f)
			text[len++] = address->text[i];
	}
	return len < address->text_len && address_parse(text, len, shown_r) == 0;
}

bool from_address_misread(const struct mail_address *address, enum from_misreading misreading,
	struct mail_address *shown_r)
{
	const struct parts p = split(address);
	const char *start = p.local, *end = p.end;

	if (misreading == FROM_WITHOUT_CONTROLS)
		return parse_without_controls(address, shown_r) &&
			strchr(address_domain(shown_r), '.') != NULL;
	if (misreading == FROM_BEHIND_DOTS)
		start = behind_dots(&p);
	else
		end = *p.domain == '[' ? p.end : host_end(p.domain, p.end);
	if (start == NULL || (start == p.local && end == p.end))
		return false;
	return address_parse(start, (size_t)(end - start), shown_r) == 0 &&
		strchr(address_domain(shown_r), '.') != NULL;
}
