/*
 * Host and domain names: their canonical form, and the walk from a name to the domains above it.
 * Stateless; any thread may call it.
 */
#include "lib/match/domain.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/match/case_fold.h"
#include "lib/match/punycode.h"

/*
 * Copy a name with U+3002, U+FF0E and U+FF61 as dots (UTS 46, section 2.3). They separate labels
 * even where a label is not a valid IDN. Returns the length, which is never more than len.
 */
static size_t copy_with_dots(const char *name, size_t len, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (len - i >= 3 &&
			(memcmp(name + i, "\u3002", 3) == 0 || memcmp(name + i, "\uff0e", 3) == 0 ||
				memcmp(name + i, "\uff61", 3) == 0)) {
			out[n++] = '.';
			i += 2;
		} else {
			out[n++] = name[i];
		}
	}
	return n;
}

/* Return whether the mapping produced a special character that the name did not contain: U+FF20, a
 * wide @, must not become @. */
static bool has_new_mark(const char *ascii, const char *name)
{
	for (; *ascii != '\0'; ascii++) {
		if (!isalnum((unsigned char)*ascii) && *ascii != '.' && *ascii != '-' &&
			strchr(name, *ascii) == NULL)
			return true;
	}
	return false;
}

/*
 * Return whether a name contains U+FDFA or U+FDFB, which IDNA normalizes to a sentence, and then
 * refuses because of its spaces. That takes ten times as long as other characters.
 */
static bool has_sentence(const char *name)
{
	for (; (name = strstr(name, "\xef\xb7")) != NULL; name += 2)
		if (name[2] == '\xba' || name[2] == '\xbb')
			return true;
	return false;
}

/* Convert a name or label with non-ASCII bytes to A-labels. -1 when it is not a valid IDN. */
static int to_ascii(const char *name, size_t len, char out[DOMAIN_SIZE])
{
	char copy[DOMAIN_SIZE], *ascii = NULL;
	size_t ascii_len;
	int ret = -1;

	memcpy(copy, name, len);
	copy[len] = '\0';
	if (strlen(copy) != len || has_sentence(copy) ||
		idn2_to_ascii_8z(copy, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return -1;
	ascii_len = strlen(ascii);
	if (ascii_len < DOMAIN_SIZE && !has_new_mark(ascii, copy)) {
		memcpy(out, ascii, ascii_len + 1);
		ret = (int)ascii_len;
	}
	idn2_free(ascii);
	return ret;
}

#define MARKS_MAX 2 /* accents of one character, which bound the time */

/* What to_ascii() returns for a part of a label, so that no part is converted twice. */
struct conversion {
	const char *at; /* NULL: none yet */
	size_t len;
	int ret;
	char ascii[DOMAIN_SIZE];
};

static void convert(struct conversion *part, const char *at, size_t len)
{
	part->at = at;
	part->len = len;
	part->ret = to_ascii(at, len, part->ascii);
}

/* Convert the first character of a label in UTF-8, with those after it that IDNA allows only there,
 * such as accents. next keeps the conversion of the character after these for the next call. */
static void convert_cluster(const char *label, size_t len, struct conversion *cluster,
	struct conversion *next)
{
	struct conversion longer;
	size_t size;

	(void)utf8_read(label, len, &size);
	if (next->at == label && next->len == size)
		*cluster = *next;
	else
		convert(cluster, label, size);
	for (int marks = 0; marks < MARKS_MAX && cluster->len < len; marks++) {
		(void)utf8_read(label + cluster->len, len - cluster->len, &size);
		if (size == 1)
			return;
		convert(next, label + cluster->len, size);
		if (next->ret >= 0)
			return;
		convert(&longer, label, cluster->len + size);
		if (longer.ret < 0)
			return;
		*cluster = longer;
	}
}

/*
 * Map each character of a label that IDNA refuses as a whole: an emoji must not keep the letters
 * beside it from being mapped, because Postfix maps them. What IDNA refuses by itself, it stays.
 * Returns the length, or -1 when the label is not UTF-8 or the result would not fit.
 */
static int map_label(const char *label, size_t len, char out[DOMAIN_SIZE])
{
	struct conversion cluster = { .at = NULL }, next = { .at = NULL };
	const char *text;
	char *mapped, lower;
	size_t i, n = 0, added;
	bool fits = utf8_valid_len(label, len) == len;

	for (i = 0; fits && i < len; i += cluster.len) {
		mapped = NULL;
		text = label + i;
		convert_cluster(text, len - i, &cluster, &next);
		if (cluster.len == 1) {
			lower = ascii_lower(label[i]);
			text = &lower;
		} else if (cluster.ret >= 0 &&
			idn2_to_unicode_8z8z(cluster.ascii, &mapped, 0) == IDN2_OK) {
			text = mapped;
		}
		added = text == mapped ? strlen(mapped) : cluster.len;
		if ((fits = n + added < DOMAIN_SIZE))
			memcpy(out + n, text, added);
		n += added;
		idn2_free(mapped);
	}
	return fits ? (int)n : -1;
}

/* Convert a label with non-ASCII bytes that IDNA refuses: map and encode it as far as possible. -1
 * when the result would not fit. */
static int refused_to_ascii(const char *label, size_t len, char out[DOMAIN_SIZE])
{
	char mapped[DOMAIN_SIZE];
	const int mapped_len = map_label(label, len, mapped);
	int encoded;

	if (mapped_len >= 0) {
		label = mapped;
		len = (size_t)mapped_len;
	}
	if ((encoded = punycode_label(label, len, out, DOMAIN_SIZE)) >= 0)
		return encoded;
	for (size_t i = 0; i < len; i++)
		out[i] = ascii_lower(label[i]);
	return (int)len;
}

/*
 * Convert a name that IDNA refuses label by label, so that a bad label, or a name too long for the
 * DNS, does not prevent the conversion of the other labels. -1 when the result would not fit.
 */
static int labels_to_ascii(const char *name, size_t len, char out[DOMAIN_SIZE])
{
	char label[DOMAIN_SIZE];
	size_t start, end, i, n = 0;
	int label_len;

	for (start = 0; start <= len; start = end + 1) {
		for (end = start; end < len && name[end] != '.'; end++)
			;
		if (ascii_is_all(name + start, end - start)) {
			for (i = start; i < end; i++)
				label[i - start] = ascii_lower(name[i]);
			label_len = (int)(end - start);
		} else if (end - start == len || /* refused as the whole name */
			(label_len = to_ascii(name + start, end - start, label)) < 0) {
			label_len = refused_to_ascii(name + start, end - start, label);
		}
		if (n + (size_t)label_len + (end < len) >= DOMAIN_SIZE)
			return -1;
		memcpy(out + n, label, (size_t)label_len);
		n += (size_t)label_len;
		if (end < len)
			out[n++] = '.';
	}
	out[n] = '\0';
	return (int)n;
}

int domain_canon(const char *name, size_t len, char out[DOMAIN_SIZE])
{
	char dotted[DOMAIN_SIZE + 2]; /* the last dot may take three bytes */
	size_t i;
	int ret;

	if (len > DOMAIN_SIZE + 2)
		return -1;
	if (!ascii_is_all(name, len)) {
		if (memchr(name, '@', len) != NULL)
			return -1; /* not worth the time that a conversion takes */
		len = copy_with_dots(name, len, dotted);
		name = dotted;
	}
	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len >= DOMAIN_SIZE)
		return -1;
	if (!ascii_is_all(name, len)) {
		ret = to_ascii(name, len, out);
		return ret >= 0 ? ret : labels_to_ascii(name, len, out);
	}
	for (i = 0; i < len; i++)
		out[i] = ascii_lower(name[i]);
	out[len] = '\0';
	return (int)len;
}

bool domain_fold(const char *name, char out[DOMAIN_SIZE])
{
	char folded[DOMAIN_SIZE], *typed = NULL;
	size_t len;
	bool is_folded;

	if (idn2_to_unicode_8z8z(name, &typed, 0) != IDN2_OK)
		return false;
	is_folded = case_fold(typed, strlen(typed), folded, sizeof(folded), &len) &&
		domain_canon(folded, len, out) >= 0 && strcmp(out, name) != 0;
	idn2_free(typed);
	return is_folded;
}

size_t domain_idn_bytes(const char *entry, size_t len)
{
	const size_t end = len;
	bool is_ascii = true;

	for (; len > 0 && entry[len - 1] != '@'; len--)
		is_ascii = is_ascii && (unsigned char)entry[len - 1] < 0x80;
	return is_ascii ? 0 : end - len;
}

bool domain_is_placeholder(const char *name)
{
	return name[0] == '[' || strcasecmp(name, "unknown") == 0;
}

bool domain_is_literal(const char *name, size_t len)
{
	unsigned char addr[16];
	char text[INET6_ADDRSTRLEN];

	if (len > 0 && name[0] == '[')
		return true;
	if (len >= sizeof(text))
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1;
}

bool domain_walk(const struct strmap *map, enum domain_key form, const char *name,
	uint32_t *value_r)
{
	char dotted[1 + DOMAIN_SIZE];
	size_t len = strlen(name);
	const char *at = name, *dot;

	if (len == 0 || strmap_count(map) == 0)
		return false;
	if (form == DOMAIN_DOTTED) {
		if (len >= DOMAIN_SIZE)
			return false;
		dotted[0] = '.';
		memcpy(dotted + 1, name, ++len);
		at = dotted;
	}
	for (;;) {
		if (strmap_find(map, at, len, value_r))
			return true;
		if ((dot = strchr(form == DOMAIN_DOTTED ? at + 1 : at, '.')) == NULL)
			return false;
		dot += form == DOMAIN_PLAIN;
		len -= (size_t)(dot - at);
		at = dot;
	}
}
