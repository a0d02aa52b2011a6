/*
 * Finds entries of exact lists and of columns that can never match, and the reason. Stateless; any
 * thread may call it.
 */
#include "lib/rules/entry_check.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/match/address.h"
#include "lib/match/cidr.h"
#include "lib/match/domain.h"
#include "lib/rules/entry_repair.h"
#include "lib/rules/hidden_text.h"
#include "lib/rules/host_word.h"

#define SHOWN_MAX 120 /* bytes of an entry in a message */

/* An entry that is checked. */
struct checked {
	enum entry_kind kind;
	const char *text; /* without a ! that allows it */
	size_t len;
	const struct orgdomain *psl;
	const char *whole; /* as it is shown */
	size_t whole_len;
	bool allow; /* of access.domains: a ! entry */
	struct errmsg *why;
};

/* Set why to the entry in quotes and the reason. Returns false. */
static bool fail(const struct checked *c, const char *reason, ...)
	__attribute__((format(printf, 2, 3)));

static bool fail(const struct checked *c, const char *reason, ...)
{
	char text[256];
	va_list args;

	if (c->why == NULL)
		return false;
	va_start(args, reason);
	(void)text_vformat(text, sizeof(text), reason, args);
	va_end(args);
	(void)errmsg_set(c->why, "\"%.*s\" %s", TEXT_CUT_LEN(c->whole, c->whole_len, SHOWN_MAX),
		text);
	return false;
}

/* ---- common to all kinds ---------------------------------------------------------- */

static bool is_domain_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.' ||
		(unsigned char)c >= 0x80;
}

/* Return whether no label of a canonical name is empty. */
static bool labels_fit(const struct checked *c, const char *name)
{
	const size_t len = strlen(name);

	if (name[0] == '.' || (len > 0 && name[len - 1] == '.') || strstr(name, "..") != NULL)
		return fail(c, "has two dots in a row, or one in the wrong place");
	return true;
}

/* Return whether a canonical name can be that of a domain. */
static bool domain_fits(const struct checked *c, const char *name)
{
	const char *p;

	for (p = name; is_domain_char(*p); p++)
		;
	if (*p == '*')
		return fail(c, "contains *, which is not a wildcard");
	if ((unsigned char)*p < ' ' && *p != '\0')
		return fail(c, "contains a control character");
	if (*p != '\0')
		return fail(c, "contains \"%c\", which is not part of any domain name", *p);
	if (name[0] == '\0')
		return fail(c, "contains no domain name");
	return labels_fit(c, name);
}

/* The same for a name as written. */
static bool written_domain_fits(const struct checked *c, const char *text, size_t len)
{
	char name[DOMAIN_SIZE];

	if (domain_canon(text, len, name) < 0)
		return fail(c, "is too long for a name");
	return domain_fits(c, name);
}

/* Return whether a name consists of numbers alone, which no host's does. */
static bool is_numeric(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "0123456789.-")] == '\0' &&
		(strchr(name, '.') != NULL || strchr(name, '-') == NULL);
}

/* Return the white space, comma or semicolon in the entry, except within double quotes; 0 if there
 * is none. */
static uint32_t find_separator(const struct checked *c)
{
	bool quoted = false;
	uint32_t character;
	size_t i, len;

	for (i = 0; i < c->len; i += len) {
		character = utf8_read(c->text + i, c->len - i, &len);
		if (character == '"')
			quoted = !quoted;
		else if (!quoted && character < 0x80 && strchr(" \t\v\f,;", (int)character) != NULL)
			return character;
		else if (!quoted && hidden_is_space(character))
			return character;
		if (character == '\\' && quoted && i + 1 < c->len) { /* the next is itself */
			(void)utf8_read(c->text + i + 1, c->len - i - 1, &len);
			len++;
		}
	}
	return 0;
}

/* Return whether IDNA ignores the hidden characters of a domain. */
static bool hides_nothing(const char *domain, size_t len)
{
	char text[DOMAIN_SIZE], with[DOMAIN_SIZE], without[DOMAIN_SIZE];
	struct cidr ip;

	if (len >= sizeof(text) || domain_canon(domain, len, with) < 0)
		return false;
	memcpy(text, domain, len);
	text[len] = '\0';
	(void)hidden_remove(text);
	return domain_canon(text, strlen(text), without) >= 0 && strcmp(with, without) == 0 &&
		cidr_parse(text, &ip, NULL) < 0;
}

/* Return whether no character of the entry is invisible, except in a quoted local part or where it
 * does not matter. */
static bool is_visible(const struct checked *c)
{
	const char *at = memrchr(c->text, '@', c->len), *domain = at != NULL ? at + 1 : c->text;
	const size_t local_len = c->text[0] == '"' || at == NULL ? 0 : (size_t)(at - c->text);
	const size_t domain_len = c->len - (size_t)(domain - c->text);
	uint32_t character;

	if (hidden_find(c->text, local_len, &character) ||
		(hidden_find(domain, domain_len, &character) && !hides_nothing(domain, domain_len)))
		return fail(c, "contains the invisible character U+%04" PRIX32, character);
	return true;
}

static bool is_one_word(const struct checked *c)
{
	size_t valid = utf8_valid_len(c->text, c->len);
	uint32_t separator;

	if (valid < c->len)
		return fail(c, "contains the byte 0x%02x, which is not UTF-8",
			(unsigned char)c->text[valid]);
	switch (separator = find_separator(c)) {
	case 0:
		return is_visible(c);
	case ',':
	case ';':
		return fail(c, "contains \"%c\", but an entry is a single word", (char)separator);
	default:
		if (separator >= 0x80)
			return fail(c,
				"contains white space (U+%04" PRIX32
				"), but an entry is a single word",
				separator);
		return fail(c, "contains white space, but an entry is a single word");
	}
}

/* ---- clients ------------------------------------------------------------------------ */

/* Return whether a name is written like an IPv4 address: three numbers, and something that is not a
 * name. */
static bool resembles_ipv4(const char *name)
{
	const char *last = name;
	int dots;

	for (dots = 0; dots < 3; dots++) {
		size_t digits = strspn(last, "0123456789");

		if (digits == 0 || digits > 3 || last[digits] != '.')
			return false;
		last += digits + 1;
	}
	return strcasecmp(last, "x") == 0 || strspn(last, "0123456789-.") == strlen(last);
}

/* Return whether the last of several labels is a number: no top-level domain is one (RFC 3696,
 * section 2). */
static bool ends_in_number(const char *name)
{
	const char *last = strrchr(name, '.');

	return last != NULL && last[1] != '\0' && last[1 + strspn(last + 1, "0123456789")] == '\0';
}

static bool is_reverse_name(const char *name)
{
	size_t len = strlen(name);

	return isxdigit((unsigned char)name[0]) &&
		((len > 13 && strcasecmp(name + len - 13, ".in-addr.arpa") == 0) ||
			(len > 9 && strcasecmp(name + len - 9, ".ip6.arpa") == 0));
}

static bool host_fits(const struct checked *c, const char *text, size_t len)
{
	char name[DOMAIN_SIZE];

	if (domain_canon(text, len, name) < 0)
		return fail(c, "is too long for a name or an address");
	if (is_numeric(name) || resembles_ipv4(name) || ends_in_number(name) ||
		strchr(name, ':') != NULL)
		return fail(c, "is neither an address nor a network");
	if (strcmp(name, "nxdomain") == 0)
		return fail(c,
			"is a word for clients without a name, and only addresses match these");
	if (is_reverse_name(name))
		return fail(c, "is the DNS name for an address, not the name of a client");
	return domain_fits(c, name);
}

/* Return whether the entry is not a line of hosts_access(5) that ends with such a word. */
static bool is_no_host_rule(const struct checked *c)
{
	const struct host_word *word;
	size_t start = c->len;

	while (start > 0 && strchr(" \t:", c->text[start - 1]) == NULL)
		start--;
	if (memchr(c->text, ':', start) == NULL ||
		(word = host_word_find(c->text + start, c->len - start)) == NULL)
		return true;
	return fail(c, "contains %s, %s%s", word->word, word->meaning, word->right);
}

static bool client_fits(const struct checked *c)
{
	char text[DOMAIN_SIZE];
	struct errmsg err;
	struct cidr net;

	if (c->len >= sizeof(text))
		return fail(c, "is too long for a name or an address");
	memcpy(text, c->text, c->len);
	text[c->len] = '\0';
	if (cidr_parse(text, &net, &err) == 0)
		return true;
	if (strstr(err.text, "host bits") != NULL)
		return fail(c, "has bits set that do not belong to the network");
	if (strchr(text, '/') != NULL)
		return fail(c, "is not a network: an address, a slash and the number of bits");
	if (text[0] == '.')
		return host_fits(c, c->text + 1, c->len - 1);
	return host_fits(c, c->text, c->len);
}

/* ---- addresses ---------------------------------------------------------------------- */

/* Return whether an entry without @ can be an address: only that of the local postmaster and of
 * others for whom the MTA completes the domain. */
static bool bare_name_fits(const struct checked *c, const struct mail_address *address)
{
	char name[DOMAIN_SIZE];

	if (strcmp(address->canon, "postmaster") == 0)
		return true;
	if (address->canon[strspn(address->canon, "*")] == '\0')
		return fail(c, "is not a wildcard here");
	if (c->kind == ENTRY_FROM)
		return fail(c, "has no domain");
	if (domain_canon(address->canon, address->canon_len, name) < 0 ||
		strchr(name, '.') != NULL || strchr(name, ':') != NULL)
		return fail(c, "has no @, so that it is not a mail address");
	if (address->is_odd)
		return fail(c, "is not a mail address");
	return true;
}

static bool address_fits(const struct checked *c)
{
	struct mail_address a;

	if (address_parse(c->text, c->len, &a) < 0)
		return fail(c, "is too long for an address");
	if (a.is_null)
		return fail(c, "is the null sender, which no list contains");
	if (c->text[0] == '<' && c->kind != ENTRY_RCPT)
		return fail(c, "has angle brackets");
	if (a.canon[a.local_len] != '@')
		return bare_name_fits(c, &a);
	if (a.local_len == 0)
		return fail(c, "has nothing before its @");
	if (!a.has_domain)
		return fail(c, "has no domain after its @");
	if (a.local_len == 1 && a.canon[0] == '*' && c->text[0] != '"')
		return fail(c, "has * before its @, which is not a wildcard");
	if (!a.is_literal && !labels_fit(c, address_domain(&a)))
		return false;
	if (a.is_odd || strncmp(a.canon, ".*", 2) == 0)
		return fail(c, "is not a mail address");
	return a.is_literal || domain_fits(c, address_domain(&a));
}

/* Return whether an entry that begins with @ or a dot fits. */
static bool marked_domain_fits(const struct checked *c)
{
	struct mail_address literal;

	if (c->text[0] == '@' && c->len > 1 && c->text[1] == '[')
		return (address_parse(c->text, c->len, &literal) == 0 && literal.is_literal) ||
			fail(c, "has an address literal without its ]");
	return written_domain_fits(c, c->text + 1, c->len - 1);
}

static bool mail_entry_fits(const struct checked *c)
{
	if (c->kind == ENTRY_FROM && c->len == 1 && c->text[0] == '*')
		return true;
	if (c->text[0] == '@' || (c->text[0] == '.' && memchr(c->text, '@', c->len) == NULL)) {
		if (c->kind == ENTRY_RCPT)
			return fail(c, "is a domain, not an address");
		return marked_domain_fits(c);
	}
	return address_fits(c);
}

static bool host_column_fits(const struct checked *c)
{
	if (c->text[0] == '.')
		return written_domain_fits(c, c->text + 1, c->len - 1);
	if (c->text[0] == '[' && c->text[c->len - 1] == ']')
		return true;
	return written_domain_fits(c, c->text, c->len);
}

/* ---- access.domains ----------------------------------------------------------------- */

/* Return whether anything is looked up by the organizational domain of a canonical name. */
static bool has_orgdomain(const struct checked *c, const char *name, const char *org)
{
	if (domain_is_literal(name, strlen(name)) || is_numeric(name))
		return fail(c, "has the form of an IP address, not of a domain");
	if (strchr(name, '.') == NULL)
		return fail(c, "has no dot, and names without one are not looked up");
	if (org == NULL)
		return fail(c, "is a public suffix, below which anybody may register a domain");
	return true;
}

static bool any_domain_fits(const struct checked *c, const char *text, size_t len)
{
	char name[DOMAIN_SIZE];
	const char *org;

	if (len > 0 && (text[0] == '@' || text[0] == '.')) {
		text++;
		len--;
	}
	if (domain_canon(text, len, name) < 0)
		return fail(c, "is too long for a domain");
	org = orgdomain_of(c->psl, name);
	if (name[0] == '[' && name[len - 1] == ']')
		return fail(c, "has the form of an IP address, not of a domain");
	/* The labels of a denied name before its organizational domain do not matter. */
	if (!domain_fits(c, c->allow || org == NULL || strncmp(name, "*.", 2) != 0 ? name : org))
		return false;
	return has_orgdomain(c, name, org);
}

static bool any_fits(const struct checked *c)
{
	struct checked inner = *c;

	if (inner.text[0] == '!') {
		inner.allow = true;
		do {
			inner.text++;
			inner.len--;
		} while (inner.len > 0 && (*inner.text == ' ' || *inner.text == '\t'));
	}
	if (inner.len == 0)
		return fail(c, "is empty");
	if (!is_one_word(&inner))
		return false;
	if (inner.text[0] != '@' && memchr(inner.text, '@', inner.len) != NULL)
		return address_fits(&inner);
	return any_domain_fits(&inner, inner.text, inner.len);
}

/* ---- the entry ---------------------------------------------------------------------- */

static bool fits(const struct checked *c)
{
	if (c->kind == ENTRY_ANY)
		return any_fits(c);
	if (c->kind == ENTRY_CLIENT && !is_no_host_rule(c))
		return false;
	if (!is_one_word(c))
		return false;
	switch (c->kind) {
	case ENTRY_CLIENT:
		return client_fits(c);
	case ENTRY_HOST:
		return host_column_fits(c);
	default:
		return mail_entry_fits(c);
	}
}

static bool fits_repaired(const void *context, const char *text, size_t len)
{
	struct checked c = *(const struct checked *)context;

	c.text = text;
	c.len = len;
	c.why = NULL;
	c.allow = entry_repair_allows(c.kind, c.whole, c.whole_len);
	return len > 0 && fits(&c);
}

bool entry_check(enum entry_kind kind, const char *text, size_t len, const struct orgdomain *psl,
	struct errmsg *fault)
{
	struct errmsg why = { "" };
	const struct checked c = {
		.kind = kind,
		.text = text,
		.len = len,
		.psl = psl,
		.whole = text,
		.whole_len = len,
		.why = fault != NULL ? &why : NULL,
	};
	struct strbuf right = STRBUF_INIT;

	if (fits(&c))
		return true;
	if (fault == NULL)
		return false;
	entry_repair(kind, text, len, fits_repaired, &c, &right);
	if (right.len > 0 && !right.failed)
		(void)errmsg_set(fault, "%s; write %s", why.text, right.text);
	else
		*fault = why;
	strbuf_free(&right);
	return false;
}
