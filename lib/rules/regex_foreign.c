/*
 * Finds lines of regex lists in the form of another program's table, such as those of Postfix,
 * rspamd and nginx, and what they mean. Stateless; any thread may call it. Part of regex_check.c.
 */
#include "lib/rules/regex_foreign.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/rules/line_action.h"
#include "lib/rules/regex_atoms.h"

/* A line that is checked. */
struct line {
	bool anchored;
	const char *text;
	size_t len;
	struct errmsg *reason;
	struct strbuf *right;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Return whether a text is a number, as behind the regexes of rspamd's maps. */
static bool is_score(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (strchr("0123456789.+-", text[i]) == NULL)
			return false;
	}
	return true;
}

/* Return the length of a regex without the action behind it, which is len if there is none. */
static size_t len_without_action(const char *text, size_t len)
{
	bool quoted = len > 0 && text[0] == '"';
	bool slashes = len > 0 && (text[0] == '/' || text[0] == '!');
	size_t i, stop;

	for (i = 1; i < len; i++) {
		quoted ^= text[i] == '"';
		if (quoted || !is_blank(text[i]))
			continue;
		stop = i;
		while (i < len && is_blank(text[i]))
			i++;
		if (i < len &&
			(line_action_at(text + i, len - i) != LINE_NO_ACTION ||
				(slashes && is_score(text + i, len - i))))
			return stop;
	}
	return len;
}

/* Add a regex that matches a part of a subject as one that matches the whole. */
static void add_whole(const struct line *l, const char *text, size_t len)
{
	struct strbuf *out = l->right;
	bool from_start = len > 0 && text[0] == '^';
	bool to_end = len > 1 && text[len - 1] == '$' && text[len - 2] != '\\';
	bool group = regex_has_alternatives(text, len);

	if (!l->anchored) {
		strbuf_add(out, text, len);
		return;
	}
	if (group)
		from_start = to_end = false; /* they belong to one alternative */
	strbuf_add_str(out, from_start ? "" : ".*");
	strbuf_add_str(out, group ? "(?:" : "");
	strbuf_add(out, text + from_start, len - from_start - to_end);
	strbuf_add_str(out, group ? ")" : "");
	strbuf_add_str(out, to_end ? "" : ".*");
}

/* Return whether a regex has slashes around it, perhaps with ! or m before and flags behind. Sets
 * the part between them. */
static bool has_slashes(const char *text, size_t len, const char **inner_r, size_t *inner_len_r)
{
	size_t start = len > 0 && (text[0] == '!' || text[0] == 'm'), stop = len;

	while (start < len && is_blank(text[start]))
		start++;
	while (stop > start && isalpha((unsigned char)text[stop - 1]) && len - stop < 8)
		stop--;
	if (stop < start + 3 || text[start] != '/' || text[stop - 1] != '/' ||
		text[stop - 2] == '\\')
		return false;
	for (size_t i = stop; i < len; i++) {
		if (strchr("imxsuAEXUgy", text[i]) == NULL)
			return false;
	}
	*inner_r = text + start + 1;
	*inner_len_r = stop - start - 2;
	return true;
}

static bool is_condition(const char *text, size_t len)
{
	return (len == 5 && strncasecmp(text, "endif", len) == 0) ||
		(len > 4 && strncasecmp(text, "if", 2) == 0 && is_blank(text[2]) &&
			memchr(text, '/', len) != NULL);
}

/* Add a wildcard such as "*.example.com" as a regex. */
static void add_wildcard(const char *text, size_t len, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '*')
			strbuf_add_char(out, '.');
		else if (text[i] == '.' && (i == 0 || text[i - 1] != '\\'))
			strbuf_add_char(out, '\\');
		strbuf_add_char(out, text[i]);
	}
}

/* Set the reason. Returns true. */
static bool refuse(const struct line *l, const char *reason)
{
	(void)errmsg_set(l->reason, "%s", reason);
	return true;
}

/* Return whether a regex begins as those of JavaScript cannot: with * or with (?i). */
static bool begins_badly(const struct line *l)
{
	if (l->text[0] == '*') {
		add_wildcard(l->text, l->len, l->right);
		return refuse(l, "is a wildcard, not a regex");
	}
	if (l->len > 4 && memcmp(l->text, "(?i)", 4) == 0) {
		strbuf_add(l->right, l->text + 4, l->len - 4);
		return refuse(l, "begins with (?i), but case is ignored anyway");
	}
	return false;
}

/* The marks of a regex in the tables of other programs: Postfix's types, nginx's operator. */
static const char *const prefixes[] = { "regexp:", "pcre:", "regex:", "~" };

static bool has_prefix(const struct line *l)
{
	size_t i, len;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		len = strlen(prefixes[i]);
		if (l->len <= len || strncasecmp(l->text, prefixes[i], len) != 0 ||
			(prefixes[i][0] == '~' && !is_blank(l->text[1])))
			continue;
		(void)errmsg_set(l->reason, "begins with %s, a mark of other tables", prefixes[i]);
		for (; len < l->len && is_blank(l->text[len]); len++)
			;
		strbuf_add(l->right, l->text + len, l->len - len);
		return true;
	}
	return false;
}

/* Return whether a regex that must match the whole subject has quotes around it. */
static bool has_quotes(const struct line *l)
{
	const char quote = l->len > 2 ? l->text[0] : '\0';

	return l->anchored && (quote == '"' || quote == '\'') && l->text[l->len - 1] == quote &&
		memchr(l->text + 1, quote, l->len - 2) == NULL &&
		memchr(l->text, ' ', l->len) == NULL; /* a quoted local part */
}

/* Return whether there is something around the regex: slashes, an action, quotes. */
static bool has_wrapping(const struct line *l)
{
	size_t len = len_without_action(l->text, l->len), inner_len;
	const char *inner;

	if (has_slashes(l->text, len, &inner, &inner_len)) {
		add_whole(l, inner, inner_len);
		return refuse(l,
			len < l->len ? "has slashes around the regex, and an action after it" :
				       "has slashes around the regex");
	}
	if (len < l->len) {
		strbuf_add(l->right, l->text, len);
		return refuse(l, "has an action after the regex");
	}
	if (has_quotes(l)) {
		strbuf_add(l->right, l->text + 1, l->len - 2);
		return refuse(l, "has quotes around the regex");
	}
	return false;
}

bool regex_is_foreign(const char *text, size_t len, bool anchored, struct errmsg *reason,
	struct strbuf *right)
{
	const struct line l = {
		.anchored = anchored,
		.text = text,
		.len = len,
		.reason = reason,
		.right = right,
	};

	if (is_condition(text, len))
		return refuse(&l, "is a condition of Postfix's tables, and each line is one regex");
	return has_prefix(&l) || has_wrapping(&l) || begins_badly(&l);
}
