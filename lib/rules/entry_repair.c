/*
 * Guesses the meaning of an entry that can never match, from the forms that other programs use:
 * Postfix's and Sendmail's access tables, hosts files, URLs, wildcards. client_repair.c has those
 * of networks, entry_words.c those of lines with several words. Stateless; any thread may call it.
 */
#include "lib/rules/entry_repair.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/cidr.h"
#include "lib/rules/client_repair.h"
#include "lib/rules/entry_words.h"
#include "lib/rules/hidden_text.h"
#include "lib/rules/line_action.h"

#define WORD_SIZE 1100
#define ROUNDS 6 /* repairs that one entry may need */

static bool ends_with(const char *text, char c)
{
	return text[0] != '\0' && text[strlen(text) - 1] == c;
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
	{ entry_words_keep_one, ALL },
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
	if (KIND(kind) & MAIL)
		entry_words_join(line);
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
	if (entry_words_are_several(line))
		strbuf_add_str(out, ", one entry per line");
}
