/*
 * Finds parts of regexes that mean something else in other dialects, and characters that nobody
 * sees. Stateless; any thread may call it. Declared in regex_check.h.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/regexlist.h"
#include "lib/rules/hidden_text.h"
#include "lib/rules/regex_atoms.h"
#include "lib/rules/regex_check.h"

#define SHOWN_MAX 120 /* bytes of a regex in a message */

/* Return the form of [:NAME:] at text in JavaScript's dialect, for a place in a class; NULL if it
 * has none. */
static const char *posix_class(const char *text, size_t len)
{
	static const char *const classes[][2] = { { "[:alnum:]", "a-z0-9" }, { "[:alpha:]", "a-z" },
		{ "[:blank:]", " \\t" }, { "[:cntrl:]", "\\x00-\\x1f" }, { "[:digit:]", "0-9" },
		{ "[:graph:]", "!-~" }, { "[:lower:]", "a-z" }, { "[:print:]", " -~" },
		{ "[:punct:]", "!-\\/:-@[-`{-~" }, { "[:space:]", "\\s" }, { "[:upper:]", "a-z" },
		{ "[:word:]", "\\w" }, { "[:xdigit:]", "0-9a-f" } };
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i][0]) <= len &&
			memcmp(text, classes[i][0], strlen(classes[i][0])) == 0)
			return classes[i][1];
	}
	return NULL;
}

/* Return whether a regex contains a character that nobody sees. */
static bool has_hidden(const char *text, size_t len, struct errmsg *note)
{
	uint32_t c;

	if (!hidden_find(text, len, &c))
		return false;
	(void)errmsg_set(note,
		"\"%.*s\" contains %sU+%04" PRIX32 "%s; write %s%04" PRIx32 " if it is meant",
		TEXT_CUT_LEN(text, len, SHOWN_MAX),
		hidden_is_space(c) ? "white space (" : "the invisible character ", c,
		hidden_is_space(c) ? ")" : "", c > 0xffff ? "a class for U+" : "\\u", c);
	return true;
}

/* Return whether a regex requires white space after an @, which only an address with quotes around
 * both contains. */
static bool has_two_words(const char *text, size_t len, struct errmsg *note)
{
	struct regex_atoms atoms = { text, text + len };
	bool has_at = false, has_space = false;
	enum regex_atom atom;
	char literal;

	while (!has_space && (atom = regex_atoms_next(&atoms, &literal)) != ATOM_END) {
		if (atom == ATOM_LITERAL && literal == '"')
			return false;
		has_space = atom == ATOM_LITERAL && has_at && strchr(" \t", literal) != NULL;
		has_at = atom != ATOM_ALTERNATIVE &&
			(has_at || (atom == ATOM_LITERAL && literal == '@'));
	}
	if (has_space)
		(void)errmsg_set(note,
			"\"%.*s\" requires white space after an @, but an entry is a single regex",
			TEXT_CUT_LEN(text, len, SHOWN_MAX));
	return has_space;
}

bool regex_is_doubtful(const char *text, size_t len, struct errmsg *note)
{
	const char *right;
	size_t i;

	if (has_hidden(text, len, note) || has_two_words(text, len, note))
		return true;
	for (i = 0; i + 1 < len; i++) {
		if (text[i] == '[' && (right = posix_class(text + i, len - i)) != NULL) {
			(void)errmsg_set(note,
				"\"%.*s\" contains %.*s, which is not a class in JavaScript's dialect; "
				"write %s in the brackets",
				TEXT_CUT_LEN(text, len, SHOWN_MAX),
				TEXT_CUT_LEN(text + i, strcspn(text + i, "]") + 1, 12), right);
			return true;
		}
		if (text[i] != '\\')
			continue;
		i++;
		if (strchr("AZzGQEhHRXK", text[i]) != NULL) {
			(void)errmsg_set(note,
				"\"%.*s\" contains \\%c, which matches %c alone in JavaScript's dialect",
				TEXT_CUT_LEN(text, len, SHOWN_MAX), text[i], text[i]);
			return true;
		}
	}
	return false;
}

/* ---- addresses without a domain ----------------------------------------------------------- */

/* Return whether the escape of a letter or a digit is known not to match @. */
static bool escape_excludes_at(char c, bool in_class)
{
	return strchr("dws", c) != NULL || (!in_class && strchr("b123456789", c) != NULL);
}

/* Return whether the range from..to of a class may contain @. */
static bool range_has_at(unsigned char from, unsigned char to)
{
	return from <= '@' && to >= '@';
}

/* Return whether the class at text may match @. *class_len_r is its length. */
static bool class_has_at(const char *text, size_t len, size_t *class_len_r)
{
	bool has_at = len > 1 && text[1] == '^';
	size_t i;

	for (i = 1; i < len && text[i] != ']'; i++) {
		if (text[i] == '\\' && i + 1 < len) {
			i++;
			has_at |= isalnum((unsigned char)text[i]) &&
				!escape_excludes_at(text[i], true);
		}
		has_at |= text[i] == '@' ||
			(i + 2 < len && text[i + 1] == '-' && text[i + 2] != ']' &&
				range_has_at((unsigned char)text[i], (unsigned char)text[i + 2]));
	}
	*class_len_r = i < len ? i + 1 : len;
	return has_at;
}

/* Return whether a regex may match @. In doubt, it may. */
static bool may_match_at(const char *text, size_t len)
{
	size_t i = 0, class_len;

	while (i < len) {
		if (text[i] == '@' || text[i] == '.')
			return true;
		if (text[i] == '[') {
			if (class_has_at(text + i, len - i, &class_len))
				return true;
			i += class_len;
			continue;
		}
		if (text[i] == '\\' && ++i < len &&
			(text[i] == '@' ||
				(isalnum((unsigned char)text[i]) &&
					(!escape_excludes_at(text[i], false) ||
						(i + 1 < len && isdigit((unsigned char)text[i]) &&
							isdigit((unsigned char)text[i + 1]))))))
			return true;
		i++;
	}
	return false;
}

/* Return whether a text ends with a dot and a label of letters, or a group of such labels. */
static bool ends_with_label(const char *text, size_t len)
{
	const char *end = text + len;
	bool has_letter = false;

	while (end > text && (isalpha((unsigned char)end[-1]) || strchr("-()|?:", end[-1]) != NULL))
		has_letter |= isalpha((unsigned char)*--end) != 0;
	return has_letter && end - text >= 2 && memcmp(end - 2, "\\.", 2) == 0;
}

/* Return whether a regex without ^ and $ can be read as a part of a domain: letters, digits, groups
 * of these, and a dot; or anything that labels contain, and a label of letters behind it. */
static bool is_of_domain(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	bool has_dot = false, is_plain = true;

	while (p < end) {
		if (end - p > 1 && p[0] == '\\') {
			has_dot = has_dot || p[1] == '.';
			is_plain = is_plain && p[1] == '.';
			if (strchr(".-dw", p[1]) == NULL)
				return false;
			p += 2;
		} else if (*p == '[') {
			is_plain = false;
			p = regex_class_end(p, end);
		} else if (isalnum((unsigned char)*p) || strchr("-_|()?:", *p) != NULL) {
			p++;
		} else if (strchr("+*{},", *p) != NULL) {
			is_plain = false;
			p++;
		} else {
			return false;
		}
	}
	return has_dot && (is_plain || ends_with_label(text, len));
}

static bool ends_with_dot(const char *text, size_t len)
{
	return len >= 2 && memcmp(text + len - 2, "\\.", 2) == 0;
}

/* Write the probable meaning of a regex, without its ^ and $, that matches no @. Write nothing if
 * the meaning is not known. */
static void mean_address(const char *text, size_t len, bool ends, struct strbuf *out)
{
	const bool is_domain = is_of_domain(text, len);
	const bool is_group = memchr(text, '|', len) != NULL;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '^' || text[i] == '$')
			return;
	}
	if (len == 0)
		return;
	if (is_domain)
		strbuf_add_str(out, len > 1 && memcmp(text, "\\.", 2) == 0 ? ".*" : ".*@");
	strbuf_add_str(out, is_group ? "(?:" : "");
	strbuf_add(out, text, len);
	strbuf_add_str(out, is_group ? ")" : "");
	strbuf_add_str(out, !is_domain ? "@.*" : ends ? "$" : ends_with_dot(text, len) ? ".*" : "");
}

bool regex_lacks_domain(const char *text, size_t len, struct errmsg *note)
{
	const size_t from_start = len > 0 && text[0] == '^' ? 1 : 0;
	const size_t to_end = len > 1 && text[len - 1] == '$' && text[len - 2] != '\\' ? 1 : 0;
	struct strbuf right = STRBUF_INIT;

	if (len == 0 || may_match_at(text, len))
		return false;
	if (from_start + to_end < len)
		mean_address(text + from_start, len - from_start - to_end, to_end > 0, &right);
	(void)errmsg_set(note, "\"%.*s\" matches only addresses without a domain",
		TEXT_CUT_LEN(text, len, SHOWN_MAX));
	regex_propose(note, REGEX_ON_ADDRESSES, true, &right);
	strbuf_free(&right);
	return true;
}

/* ---- regexes with an open end -------------------------------------------------------------- */

#define GROUPS_MAX 16 /* that are looked into; to nest them would multiply the time */

/* Return the last atom of a regex that is not empty. */
static const char *last_atom(const char *text, size_t len)
{
	struct regex_atoms atoms = { text, text + len };
	const char *start = text, *last = text;
	char literal;

	for (; regex_atoms_next(&atoms, &literal) != ATOM_END; start = atoms.at)
		last = start;
	return last;
}

bool regex_has_open_end(const char *text, size_t len)
{
	struct regex_atoms groups[GROUPS_MAX] = { { text, text + len } };
	size_t count = 1, looked = 1;

	while (count > 0) {
		struct regex_atoms rest = groups[--count];
		const char *part, *last, *inner = NULL;
		size_t part_len, inner_len;

		while ((part = regex_alternative_next(&rest, &part_len)) != NULL) {
			if (part_len == 0)
				return true;
			last = last_atom(part, part_len);
			inner_len = (size_t)(part + part_len - last);
			if (looked < GROUPS_MAX &&
				(inner = regex_in_group(last, inner_len, &inner_len)) != NULL) {
				groups[count++] = (struct regex_atoms){ inner, inner + inner_len };
				looked++;
			} else if (*last == '(' ? memchr(last, '$', inner_len) == NULL :
						  *last != '$') {
				return true;
			}
		}
	}
	return false;
}

/* ---- names of clients without a dot --------------------------------------------------------- */

/* Add a word, perhaps with ^ before or $ behind, as a regex that matches a part of a name. */
static void add_word(const char *text, size_t len, struct strbuf *out)
{
	const size_t begin = len > 0 && text[0] == '^' ? 1 : 0;
	const size_t end = len > begin && text[len - 1] == '$' ? len - 1 : len;

	strbuf_add_str(out, begin > 0 ? "" : ".*");
	strbuf_add(out, text + begin, end - begin);
	strbuf_add_str(out, end < len ? "" : ".*");
}

/* Add words, each with its ^ and $. */
static void add_words(const char *text, size_t len, struct strbuf *out)
{
	struct regex_atoms rest = { text, text + len };
	const char *word, *first = text;
	size_t word_len;

	while ((word = regex_alternative_next(&rest, &word_len)) != NULL) {
		strbuf_add_str(out, word == first ? "" : "|");
		add_word(word, word_len, out);
	}
}

bool regex_lacks_dot(const char *text, size_t len, struct errmsg *note)
{
	static const char whole[] = "localhost"; /* such a name exists */
	const size_t begin = len > 0 && text[0] == '^' ? 1 : 0;
	const size_t end = len > begin && text[len - 1] == '$' ? len - 1 : len;
	const bool is_group = regex_has_alternatives(text, len);
	struct strbuf right = STRBUF_INIT;
	bool has_letter = false;

	if (end - begin == strlen(whole) && strncasecmp(text + begin, whole, end - begin) == 0)
		return false;
	for (size_t i = begin; i < end; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("-_|()", text[i]) == NULL)
			return false;
		has_letter = has_letter || isalpha((unsigned char)text[i]);
	}
	if (!has_letter || (begin > 0 && end < len && !is_group)) /* with ^ and $, it is meant */
		return false;
	(void)errmsg_set(note, "\"%.*s\" matches only names without a dot",
		TEXT_CUT_LEN(text, len, SHOWN_MAX));
	if (is_group && end - begin == len)
		strbuf_addf(&right, ".*(?:%.*s).*", (int)(len < REGEX_MAX ? len : REGEX_MAX), text);
	else
		add_words(text, len, &right);
	regex_propose(note, REGEX_ON_CLIENTS, true, &right);
	strbuf_free(&right);
	return true;
}
