/*
 * Guesses the meaning of an entry that can never match, from the forms that other programs use:
 * Postfix's and Sendmail's access tables, hosts files, URLs, wildcards. client_repair.c has those
 * of networks. Stateless; any thread may call it. t/unit/test_entry_check.c covers it.
 */
#include "lib/rules/entry_repair.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/cidr.h"
#include "lib/rules/client_repair.h"
#include "lib/rules/hidden_text.h"
#include "lib/rules/line_action.h"

#define WORD_SIZE 1100
#define ROUNDS 6 /* repairs that one entry may need */

static bool ends_with(const char *text, char c)
{
	return text[0] != '\0' && text[strlen(text) - 1] == c;
}

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

/* Keep the first of the words that resemble an entry most. */
static bool keep_one_word(char *text)
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

/* Return whether several words of a line may be entries. */
static bool has_several_entries(const char *text)
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
 * action nor such as blacklist_from. */
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

/* ---- marks around an entry ------------------------------------------------------------ */

static bool strip_quotes(char *text)
{
	size_t len = strlen(text), front = strspn(text, "\"'`");
	bool any = front > 0;

	for (; len > front && strchr("\"'`", text[len - 1]) != NULL; any = true)
		text[--len] = '\0';
	text_remove(text, front);
	return any;
}

static bool strip_brackets(char *text)
{
	char close = text[0] == '<' ? '>' : text[0] == '[' ? ']' : '\0';
	char *end = close == '\0' ? NULL : strchr(text, close);

	if (end == NULL || (end[1] != '\0' && end[1] != ':'))
		return false;
	*end = '\0'; /* what follows is a port */
	text_remove(text, 1);
	return true;
}

/* "192.0.2.7:25", "evil.example:25" */
static bool strip_port(char *text)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL || strchr(text, ':') != colon || colon[1] == '\0' ||
		colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return false;
	*colon = '\0';
	return true;
}

/* "mailto:", "http://", "Connect:", "ip4:"; no part of an IPv6 address. */
static bool strip_scheme(char *text)
{
	size_t len = 0;
	bool is_word = false;

	for (; isalnum((unsigned char)text[len]) || text[len] == '-'; len++)
		is_word = is_word || !isxdigit((unsigned char)text[len]);
	if (!is_word || text[len] != ':')
		return false;
	len++;
	text_remove(text, len + strspn(text + len, "/"));
	return text[0] != '\0';
}

/* The rest of a URL, or a comment without white space before it. */
static bool strip_rest(char *text)
{
	size_t len = strcspn(text, "/?#"), i;

	if (text[len] == '\0' || len == 0)
		return false;
	for (i = 0; i < len && !isalpha((unsigned char)text[i]); i++)
		;
	if ((i == len && text[len] == '/') || memchr(text, '.', len) == NULL)
		return false;
	text[len] = '\0';
	return true;
}

static bool strip_marks(char *text)
{
	size_t len = strlen(text), front = strspn(text, "-+!~^=/");
	bool any = front > 0;

	for (; len > front && strchr("/:$^", text[len - 1]) != NULL; any = true)
		text[--len] = '\0';
	text_remove(text, front);
	return any;
}

/* "evil.example:REJECT" */
static bool strip_action(char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL || line_action_at(colon + 1, strlen(colon + 1)) == LINE_NO_ACTION)
		return false;
	*colon = '\0';
	return true;
}

static bool strip_zone(char *text)
{
	char *zone = strchr(text, '%');

	if (zone == NULL)
		return false;
	*zone = '\0';
	return true;
}

/* ---- domains -------------------------------------------------------------------------- */

/* "*.x", "*@x" and "@*.x" */
static bool strip_star(char *text)
{
	size_t stars = strspn(text, "*");

	if (strncmp(text, "@*.", 3) == 0) {
		text_remove(text, 2);
		return true;
	}
	if (stars == 0 || (text[stars] != '.' && text[stars] != '@'))
		return false;
	text_remove(text, stars);
	return true;
}

/* "..x" and "@.x" become ".x"; other dots in a row, and @ in a row, become one. */
static bool strip_dots(char *text)
{
	char *at = strstr(text, "..");

	if (at == NULL)
		at = strstr(text, "@@");

	if (text[0] == '@' && text[1] == '.') {
		text_remove(text, 1);
		return true;
	}
	if (at == NULL)
		return false;
	text_remove(at, 1);
	return true;
}

static bool strip_at(char *text)
{
	if (text[0] != '@')
		return false;
	text_remove(text, 1);
	return true;
}

static bool add_at(char *text)
{
	size_t len = strlen(text);

	if (text[0] == '.' || strchr(text, '@') != NULL || strchr(text, '.') == NULL ||
		len + 2 > WORD_SIZE)
		return false;
	memmove(text + 1, text, len + 1);
	text[0] = '@';
	return true;
}

/* ---- all together --------------------------------------------------------------------- */

#define KIND(kind) (1U << (kind))
#define CLIENTS KIND(ENTRY_CLIENT)
#define MAIL (KIND(ENTRY_ADDRESS) | KIND(ENTRY_ANY) | KIND(ENTRY_FROM) | KIND(ENTRY_RCPT))
#define ALL (~0U)

/* The repairs, and the kinds of entries to which they apply. Where several apply, the first one is
 * made. */
static const struct {
	bool (*apply)(char *text); /* false: the text stays */
	unsigned kinds;
} repairs[] = {
	{ keep_one_word, ALL },
	{ strip_quotes, ALL },
	{ strip_brackets, ALL },
	{ strip_zone, CLIENTS },
	{ client_repair_reversed, CLIENTS },
	{ client_repair_ipv4, CLIENTS },
	{ client_repair_ipv6, CLIENTS },
	{ strip_port, ALL },
	{ strip_action, ALL },
	{ strip_scheme, ALL },
	{ strip_star, ALL },
	{ strip_dots, ALL },
	{ strip_at, CLIENTS | KIND(ENTRY_HOST) },
	{ add_at, KIND(ENTRY_ADDRESS) | KIND(ENTRY_FROM) },
	{ strip_rest, ALL },
	{ strip_marks, ALL },
};

/* Make the one repair that suffices or, if none does, the first that applies. */
static bool repair_once(enum entry_kind kind, char *text, entry_test *test, const void *context)
{
	char first[WORD_SIZE] = "", repaired[WORD_SIZE];
	size_t i;

	for (i = 0; i < sizeof(repairs) / sizeof(repairs[0]); i++) {
		memcpy(repaired, text, strlen(text) + 1);
		if (!(repairs[i].kinds & KIND(kind)) || !repairs[i].apply(repaired) ||
			repaired[0] == '\0')
			continue;
		if (first[0] == '\0' || test(context, repaired, strlen(repaired)))
			memcpy(first, repaired, strlen(repaired) + 1);
		if (test(context, repaired, strlen(repaired)))
			break;
	}
	if (first[0] == '\0')
		return false;
	memcpy(text, first, strlen(first) + 1);
	return true;
}

static bool resembles_regex(const char *text)
{
	return text[0] == '^' || strpbrk(text, "\\(") != NULL || strstr(text, ".*") != NULL ||
		(text[0] == '/' && strchr(text + 1, '/') != NULL);
}

/* Add an entry that belongs elsewhere, and the place. */
static void add_place(enum entry_kind kind, const char *text, const char *word, struct strbuf *out)
{
	if (resembles_regex(text)) {
		if (kind == ENTRY_ADDRESS || kind == ENTRY_CLIENT)
			strbuf_add_str(out, "regexes in the file of the same name with _regex");
	} else if (ends_with(word, '@') && (word[0] != '@' || word[1] == '\0') &&
		kind != ENTRY_CLIENT && kind != ENTRY_HOST) {
		strbuf_addf(out, "%sDOMAIN", word);
	} else if (kind == ENTRY_FROM && strpbrk(word, "@. ") == NULL) {
		strbuf_addf(out, "%s@DOMAIN", word);
	} else if (kind == ENTRY_RCPT && (word[0] == '@' || word[0] == '.')) {
		strbuf_addf(out, "%s in host", word[0] == '@' ? word + 1 : word);
	} else if (kind == ENTRY_HOST && strchr(word, '@') != NULL) {
		strbuf_addf(out, "%s in rcpt", word);
	}
}

static void add_entry(enum entry_kind kind, const char *word, struct strbuf *out)
{
	struct cidr net;

	if ((kind == ENTRY_ADDRESS || kind == ENTRY_ANY) && cidr_parse(word, &net, NULL) == 0)
		strbuf_addf(out, "%s in connect.rdns_access.blacklist or .whitelist", word);
	else if (kind == ENTRY_ADDRESS && word[0] == '@' && word[1] != '[')
		strbuf_addf(out, "%s or .%s", word, word + 1);
	else
		strbuf_add_str(out, word);
}

/* Return whether a repaired word is right, here or among the addresses of clients. Any word may be
 * the name of a host or the address of a local user, but is seldom meant as one. */
static bool is_right(enum entry_kind kind, const char *word, entry_test *test, const void *context)
{
	struct cidr net;

	if ((strpbrk(word, "@.:") == NULL && strcasecmp(word, "postmaster") != 0) ||
		strpbrk(word, "{}") != NULL) /* a part of {a,b}@c.example */
		return false;
	return test(context, word, strlen(word)) ||
		((kind == ENTRY_ADDRESS || kind == ENTRY_ANY) && cidr_parse(word, &net, NULL) == 0);
}

bool entry_repair_allows(enum entry_kind kind, const char *text, size_t len)
{
	char line[WORD_SIZE];
	const char *colon;

	if (kind != ENTRY_ANY || len == 0 || len >= sizeof(line))
		return false;
	if (text[0] == '!')
		return true;
	memcpy(line, text, len);
	line[len] = '\0';
	(void)hidden_remove(line);
	colon = strrchr(line, ':');
	return line_action_of(line, strlen(line), LINE_DENIES) == LINE_ALLOWS ||
		(colon != NULL && line_action_at(colon + 1, strlen(colon + 1)) == LINE_ALLOWS);
}

/* Make one word of what is meant as one. */
static void join_words(enum entry_kind kind, char *line)
{
	(void)hidden_remove(line);
	if (KIND(kind) & CLIENTS)
		client_repair_join(line);
	if (KIND(kind) & MAIL) {
		write_at(line);
		join_at(line);
		join_labels(line);
		join_domain(line);
	}
}

void entry_repair(enum entry_kind kind, const char *text, size_t len, entry_test *test,
	const void *context, struct strbuf *out)
{
	const bool allow = entry_repair_allows(kind, text, len);
	char line[WORD_SIZE], word[WORD_SIZE];
	int round = 0;

	for (; kind == ENTRY_ANY && len > 0 && (*text == '!' || *text == ' ' || *text == '\t');
		len--)
		text++;
	if (len == 0 || len >= WORD_SIZE - 1 || memchr(text, '\0', len) != NULL)
		return;
	memcpy(line, text, len);
	line[len] = '\0';
	join_words(kind, line);
	memcpy(word, line, strlen(line) + 1);
	while (!is_right(kind, word, test, context)) {
		if (round++ == ROUNDS || !repair_once(kind, word, test, context)) {
			add_place(kind, line, word, out);
			return;
		}
	}
	if (allow && test(context, word, strlen(word)))
		strbuf_add_char(out, '!');
	add_entry(kind, word, out);
	if (has_several_entries(line))
		strbuf_add_str(out, ", one entry per line");
}
