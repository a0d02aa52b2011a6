/*
 * The value of the results header: collects the findings of all stages, and folds the field. The
 * caller owns the text; one thread at a time.
 */
#include "lib/rules/results.h"

#include <stdbool.h>
#include <string.h>

#define LINE_MAX_USUAL 78 /* RFC 5322 section 2.1.1 */
#define ITEM_USUAL 256	  /* bytes of an item; only longer ones are allocated */

static const char *outcome_word(enum outcome outcome)
{
	static const char *const words[] = {
		[OUTCOME_UNLISTED] = "unlisted",
		[OUTCOME_PASS] = "pass",
		[OUTCOME_FAIL] = "fail",
		[OUTCOME_WARN] = "warn",
		[OUTCOME_ERROR] = "error",
		[OUTCOME_GAVE_UP] = "no-match",
	};

	return words[outcome];
}

/*
 * Add a rule as a comment (RFC 5322 section 3.2.2). It may contain the name of a profile, and
 * therefore any character; a semicolon would look like the end of the item.
 */
static void add_rule(struct strbuf *item, const char *rule)
{
	strbuf_add_char(item, '(');
	for (; *rule != '\0'; rule++) {
		if (*rule == '(' || *rule == ')' || *rule == '\\')
			strbuf_add_char(item, '\\');
		strbuf_add_char(item, *rule < ' ' || *rule > '~' || *rule == ';' ? '?' : *rule);
	}
	strbuf_add_char(item, ')');
}

static bool has_item(const struct strbuf *results, const struct strbuf *item)
{
	const char *at = results->text;
	const char *end;
	size_t len;

	while (at != NULL && *at != '\0') {
		end = strstr(at, "; ");
		len = end == NULL ? strlen(at) : (size_t)(end - at);
		if (len == item->len && memcmp(at, item->text, len) == 0)
			return true;
		at = end == NULL ? NULL : end + 2;
	}
	return false;
}

/* Remove the item with the same text up to its '=', so that the usage of a limit is reported once.
 */
static void remove_older(struct strbuf *results, const struct strbuf *item)
{
	size_t len = strcspn(item->text, "=") + 1, rest;
	char *at = results->text;

	while (at != NULL && strncmp(at, item->text, len) != 0) {
		at = strstr(at, "; ");
		at = at == NULL ? NULL : at + 2;
	}
	if (at == NULL || *at == '\0')
		return;
	rest = strcspn(at, ";");
	rest += at[rest] == ';' ? 2 : 0;
	memmove(at, at + rest, strlen(at + rest) + 1);
	results->len -= rest;
	if (results->len >= 2 && results->text[results->len - 2] == ';')
		results->text[results->len -= 2] = '\0';
}

static void add_item(struct strbuf *results, const struct strbuf *item)
{
	static const char more[] = "; more=yes";

	if (has_item(results, item))
		return;
	if (results->len + item->len + sizeof(more) > RESULTS_MAX) {
		if (results->text != NULL && strstr(results->text, more) == NULL)
			strbuf_add_str(results, more);
		return;
	}
	if (results->len > 0)
		strbuf_add_str(results, "; ");
	strbuf_add(results, item->text, item->len);
}

void results_add(struct strbuf *results, enum stage stage, const struct verdict *verdict)
{
	char memory[ITEM_USUAL];
	struct strbuf item;
	char usage[USAGE_TEXT_SIZE];

	strbuf_lend(&item, memory, sizeof(memory));
	for (size_t i = 0; i < verdict->count; i++) {
		const struct finding *finding = &verdict->findings[i];

		strbuf_reset(&item);
		strbuf_add_str(&item, stage_name(stage));
		if (finding->check != stage_check(stage)) {
			strbuf_add_char(&item, '.');
			strbuf_add_str(&item, check_name(finding->check));
		}
		strbuf_add_char(&item, '=');
		strbuf_add_str(&item, outcome_word(finding->outcome));
		if (finding->rule[0] != '\0')
			add_rule(&item, finding->rule);
		if (finding->usage.window > 0) {
			usage_format(&finding->usage, usage);
			strbuf_addf(&item, " %s", usage);
		}
		if (item.failed) {
			results->failed = true;
			continue;
		}
		if (finding->usage.window > 0 && results->len > 0)
			remove_older(results, &item);
		add_item(results, &item);
	}
	strbuf_free(&item);
}

void results_hide_rules(struct strbuf *results)
{
	struct strbuf shown = STRBUF_INIT, item = STRBUF_INIT;
	const char *at = results->text;
	const char *end;

	shown.failed = results->failed;
	while (at != NULL && *at != '\0') {
		end = strstr(at, "; ");
		strbuf_reset(&item);
		strbuf_add(&item, at, strcspn(at, "( ;"));
		shown.failed |= item.failed;
		if (!shown.failed)
			add_item(&shown, &item);
		at = end == NULL ? NULL : end + 2;
	}
	strbuf_free(&item);
	strbuf_free(results);
	*results = shown;
}

char *results_fold(const struct strbuf *results, size_t name_len)
{
	const char *at = results->text == NULL || results->len == 0 ? "none" : results->text;
	struct strbuf folded = STRBUF_INIT;
	size_t column = name_len + 2; /* "NAME: " */
	const char *end;
	size_t len;

	folded.failed = results->failed;
	while (at != NULL) {
		end = strstr(at, "; ");
		len = end == NULL ? strlen(at) :
				    (size_t)(end - at) + 1; /* including its semicolon */
		if (folded.len > 0 && column + 1 + len > LINE_MAX_USUAL) {
			strbuf_add_str(&folded, "\n\t");
			column = 8;
		} else if (folded.len > 0) {
			strbuf_add_char(&folded, ' ');
			column++;
		}
		strbuf_add(&folded, at, len);
		column += len;
		at = end == NULL ? NULL : end + 2;
	}
	return strbuf_take(&folded);
}
