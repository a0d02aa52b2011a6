/*
 * Finds the actions of other programs' tables in a line of a list. Stateless; any thread may call
 * it.
 */
#include "lib/rules/line_action.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	enum line_action action;
} words[] = {
	{ "OK", LINE_ALLOWS },
	{ "DUNNO", LINE_ALLOWS },
	{ "PERMIT", LINE_ALLOWS },
	{ "ALLOW", LINE_ALLOWS },
	{ "ACCEPT", LINE_ALLOWS },
	{ "RELAY", LINE_ALLOWS },
	{ "SKIP", LINE_ALLOWS },
	{ "IGNORE", LINE_ALLOWS },
	{ "WARN", LINE_ALLOWS },
	{ "INFO", LINE_ALLOWS },
	{ "PREPEND", LINE_ALLOWS },
	{ "REPLACE", LINE_ALLOWS },
	{ "BCC", LINE_ALLOWS },
	{ "FILTER", LINE_ALLOWS },
	{ "REDIRECT", LINE_ALLOWS },
	{ "REJECT", LINE_DENIES },
	{ "DENY", LINE_DENIES },
	{ "DISCARD", LINE_DENIES },
	{ "ERROR", LINE_DENIES },
	{ "DEFER", LINE_DENIES },
	{ "DEFER_IF_REJECT", LINE_DENIES },
	{ "DEFER_IF_PERMIT", LINE_DENIES },
	{ "HOLD", LINE_DENIES },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

enum line_action line_action_at(const char *text, size_t len)
{
	size_t word = 0, i;

	while (word < len && !is_blank(text[word]) && text[word] != ':')
		word++;
	if (word == 3 && (text[0] == '4' || text[0] == '5') && isdigit((unsigned char)text[1]) &&
		isdigit((unsigned char)text[2]))
		return LINE_DENIES;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == word && strncasecmp(words[i].word, text, word) == 0)
			return words[i].action;
	}
	return LINE_NO_ACTION;
}

static enum line_action opposite(enum line_action action)
{
	return action == LINE_DENIES ? LINE_ALLOWS : LINE_DENIES;
}

enum line_action line_action_of(const char *line, size_t len, enum line_action usual)
{
	bool negated = len > 0 && line[0] == '!';
	enum line_action action = LINE_NO_ACTION;
	size_t i;

	for (i = 0; i < len && action == LINE_NO_ACTION; i++) {
		if (i == 0 || is_blank(line[i - 1]))
			action = line_action_at(line + i, len - i);
	}
	if (negated)
		return opposite(action == LINE_NO_ACTION ? usual : action);
	return action;
}
