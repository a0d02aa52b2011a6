/*
 * The layout of `posternctl explain`: stages, and the checks of each with the rule that they found.
 * Owns nothing. t/integration/test_control.py covers it.
 */
#include "ctl/explain_print.h"

#include <string.h>

#include "ctl/terminal.h"
#include "lib/base/print.h"

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_word(FILE *out, const char *word, int width, bool colour)
{
	const int len = (int)strlen(word);

	terminal_word(out, colour, terminal_verdict(word), word);
	print_text(out, "%*s", len < width ? width - len : 0, "");
}

static void print_reply(FILE *out, json_t *object)
{
	json_t *code = json_object_get(object, "code");

	if (code != NULL)
		print_text(out, "%d %s %s", (int)json_integer_value(code),
			text_of(object, "enhanced"), text_of(object, "text"));
}

static void print_check(FILE *out, json_t *check, bool colour)
{
	const bool has_rule = text_of(check, "rule")[0] != '\0';

	print_text(out, "    %-12s", text_of(check, "check"));
	print_word(out, text_of(check, "outcome"), has_rule ? 13 : 0, colour);
	print_text(out, "%s", text_of(check, "rule"));
	if (strcmp(text_of(check, "outcome"), "would-reject") == 0) {
		print_text(out, "  ");
		print_reply(out, check);
	}
	print_end(out);
}

/* Return whether a recipient was accepted, so that a header would follow. */
static bool has_recipient(json_t *steps)
{
	json_t *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		if (strcmp(text_of(step, "step"), "rcpt") == 0 &&
			strcmp(text_of(step, "verdict"), "accept") == 0)
			return true;
	}
	return false;
}

/* Print the source of the users, unless it is the policy in force. */
static void print_users(FILE *out, json_t *users)
{
	json_t *age = json_object_get(users, "age_seconds");

	if (users == NULL)
		return;
	print_text(out, "%-8scopy of the database in %s, ", "users", text_of(users, "path"));
	if (json_is_integer(age))
		terminal_seconds(out, (long long)json_integer_value(age));
	print_line(out, "%s", json_is_integer(age) ? " old" : "of unknown age");
}

void explain_print(FILE *out, json_t *answer, bool with_header, bool colour)
{
	json_t *step, *checks;
	size_t i, k;

	print_users(out, json_object_get(answer, "users"));
	json_array_foreach (json_object_get(answer, "steps"), i, step) {
		print_text(out, "%-8s", text_of(step, "step"));
		print_word(out, text_of(step, "verdict"), json_object_get(step, "code") ? 9 : 0,
			colour);
		print_reply(out, step);
		print_end(out);
		checks = json_object_get(step, "checks");
		for (k = 0; k < json_array_size(checks); k++)
			print_check(out, json_array_get(checks, k), colour);
		if (json_array_size(checks) == 0 && text_of(step, "rule")[0] != '\0')
			print_line(out, "    %s", text_of(step, "rule"));
	}
	if (!with_header && has_recipient(json_object_get(answer, "steps")))
		print_line(out, "%-8snot judged, no --from", "header");
}
