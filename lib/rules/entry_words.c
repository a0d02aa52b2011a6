/*
 * The words of a line in which one entry was expected: finds the word that is the entry, and joins
 * the words of one address or domain. Stateless; any thread may call it. Part of entry_repair.c.
 */
#include "lib/rules/entry_words.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/rules/line_action.h"

/* ---- words of a line ------------------------------------------------------------------ */

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == ',' || c == ';' || c == '|';
}

/* The resemblance of a word to an entry. */
enum resemblance {
	NO_ENTRY,
	MAYBE_ENTRY, /* a number with dots, such as 192.0.2 or 5.7.1 */
	AN_ENTRY,    /* it contains an @, or a dot or a colon before its end */
};

static enum resemblance resemblance(const char *word, size_t len)
{
	bool has_mark = false, is_number = true;
	size_t i, dots = 0;

	for (i = 0; i < len; i++) {
		has_mark = has_mark || word[i] == '@' ||
			((word[i] == '.' || word[i] == ':') && i + 1 < len);
		is_number = is_number && (isdigit((unsigned char)word[i]) || word[i] == '.');
		dots += word[i] == '.';
	}
	if (!has_mark)
		return NO_ENTRY;
	return is_number && dots < 3 ? MAYBE_ENTRY : AN_ENTRY;
}

/* The addresses at the beginning of a line of a hosts file that blocks names. */
static bool blocks_hosts(const char *word, size_t len)
{
	static const char *const addresses[] = { "0.0.0.0", "127.0.0.1", "::", "::1" };
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (strlen(addresses[i]) == len && memcmp(addresses[i], word, len) == 0)
			return true;
	}
	return false;
}

/* Find the next word of a line. Returns its length, or 0 at the end. */
static size_t next_word(const char **at)
{
	size_t len = 0;

	for (; is_separator(**at); (*at)++)
		;
	for (; (*at)[len] != '\0' && !is_separator((*at)[len]); len++)
		;
	return len;
}

bool entry_words_keep_one(char *text)
{
	const char *at = text, *best = NULL;
	size_t len, best_len = 0;

	for (; (len = next_word(&at)) > 0; at += len) {
		if (best == NULL || resemblance(at, len) > resemblance(best, best_len) ||
			(blocks_hosts(best, best_len) && resemblance(at, len) == AN_ENTRY)) {
			best = at;
			best_len = len;
		}
	}
	if (best == NULL || best_len == strlen(text))
		return false;
	memmove(text, best, best_len);
	text[best_len] = '\0';
	return true;
}

bool entry_words_are_several(const char *text)
{
	unsigned count = 0;
	size_t len;

	for (; (len = next_word(&text)) > 0; text += len)
		count += resemblance(text, len) == AN_ENTRY && !blocks_hosts(text, len);
	return count > 1;
}

/* ---- several words that are one entry ------------------------------------------------- */

/* Replace the len bytes at `at` with c. */
static void replace(char *at, size_t len, char c)
{
	*at = c;
	text_remove(at + 1, len - 1);
}

/* The ways to write an @ that programs which collect addresses do not find, and its lookalikes. */
static const char *const written_ats[] = { "(at)", "[at]", "{at}", " at ", "\uff20", "\ufe6b" };

static void write_at(char *text)
{
	char *found;
	size_t i;

	for (i = 0; i < sizeof(written_ats) / sizeof(written_ats[0]); i++) {
		if ((found = strcasestr(text, written_ats[i])) == NULL || strchr(text, '@') != NULL)
			continue;
		replace(found, strlen(written_ats[i]), '@');
		while ((found = strcasestr(text, "[dot]")) != NULL ||
			(found = strcasestr(text, "(dot)")) != NULL)
			replace(found, 5, '.');
		return;
	}
}

/* Return whether the word that ends at `end` may be a local part: it is the first, and neither an
 * action nor a word such as blacklist_from. */
static bool is_local_part(const char *text, const char *end)
{
	const size_t len = (size_t)(end - text);

	return len > 0 && strcspn(text, " \t:,;") >= len &&
		line_action_at(text, len) == LINE_NO_ACTION && memmem(text, len, "from", 4) == NULL;
}

/* "a @b", "a@ b", "a @ b" */
static void join_at(char *text)
{
	char *at = strchr(text, '@'), *start = at;
	size_t after;

	while (start != NULL && start > text && (start[-1] == ' ' || start[-1] == '\t'))
		start--;
	if (at == NULL || !is_local_part(text, start) ||
		((after = strspn(at + 1, " \t")) == 0 && start == at))
		return;
	text_remove(at + 1, after);
	text_remove(start, (size_t)(at - start));
}

/* Return whether a comma behind a label stands between the two parts of a public suffix: "co,uk".
 */
static bool parts_suffix(const char *label, const char *comma)
{
	return comma - label <= 3 && isalpha((unsigned char)comma[1]) &&
		isalpha((unsigned char)comma[2]) && (comma[3] == '\0' || is_separator(comma[3]));
}

/* "a@b. example", "a@b .example", "a@b . example": blanks beside the first dot of a domain. */
static void join_labels(char *text)
{
	char *name = strchr(text, '@'), *end, *dot, *next;

	if (name == NULL)
		return;
	name++;
	end = name + strcspn(name, ". \t,;|");
	dot = end + strspn(end, " \t");
	next = dot + 1;
	if (end == name || *dot != '.')
		return;
	next += strspn(next, " \t");
	if (!isalnum((unsigned char)*next) ||
		line_action_at(next, strcspn(next, " \t,;|")) != LINE_NO_ACTION)
		return;
	text_remove(dot + 1, (size_t)(next - dot) - 1);
	text_remove(end, (size_t)(dot - end));
}

/* "a@b,example", "@b,example", ".b,example" and "a@b.co,uk": a comma in the place of the first dot
 * of a domain, or within a public suffix. */
static void join_domain(char *text)
{
	char *name = strchr(text, '@'), *comma, *next;
	const char *label;
	size_t len;

	if (name == NULL && text[0] == '.')
		name = text;
	if (name == NULL)
		return;
	name++;
	comma = name + strcspn(name, " \t,;|");
	if (comma == name || (*comma != ',' && *comma != ';'))
		return;
	label = memrchr(name, '.', (size_t)(comma - name));
	if (label != NULL && !parts_suffix(label + 1, comma))
		return;
	next = comma + 1;
	len = strcspn(next, " \t,;|");
	if (isalnum((unsigned char)*next) && memchr(next, '@', len) == NULL &&
		line_action_at(next, len) == LINE_NO_ACTION)
		*comma = '.';
}

void entry_words_join(char *text)
{
	write_at(text);
	join_at(text);
	join_labels(text);
	join_domain(text);
}
