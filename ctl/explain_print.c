/*
 * The layout of `posternctl explain`: stages, and the checks of each with the rule that they found.
 * Owns nothing. t/integration/test_control.py covers it.
 */
#include "ctl/explain_print.h"

#include <string.h>

#include "ctl/terminal.h"

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void print_word(FILE *out, const char *word, int width, bool colour)
{
	fprintf(out, "%s%-*s%s", terminal_verdict(colour, word), width, word,
		terminal_colour(colour, TERMINAL_OFF));
}

static void print_reply(FILE *out, json_t *object)
{
	json_t *code = json_object_get(object, "code");

	if (code != NULL)
		fprintf(out, "%d %s %s", (int)json_integer_value(code), text_of(object, "enhanced"),
			text_of(object, "text"));
}

static void print_check(FILE *out, json_t *check, bool colour)
{
	const bool has_rule = text_of(check, "rule")[0] != '\0';

	fprintf(out, "    %-12s", text_of(check, "check"));
	print_word(out, text_of(check, "outcome"), has_rule ? 13 : 0, colour);
	fprintf(out, "%s", text_of(check, "rule"));
	if (strcmp(text_of(check, "outcome"), "would-reject") == 0) {
		fputs("  ", out);
		print_reply(out, check);
	}
	fputc('\n', out);
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

void explain_print(FILE *out, json_t *answer, bool with_header, bool colour)
{
	json_t *step, *checks;
	size_t i, k;

	json_array_foreach (json_object_get(answer, "steps"), i, step) {
		fprintf(out, "%-8s", text_of(step, "step"));
		print_word(out, text_of(step, "verdict"), json_object_get(step, "code") ? 9 : 0,
			colour);
		print_reply(out, step);
		fputc('\n', out);
		checks = json_object_get(step, "checks");
		for (k = 0; k < json_array_size(checks); k++)
			print_check(out, json_array_get(checks, k), colour);
		if (json_array_size(checks) == 0 && text_of(step, "rule")[0] != '\0')
			fprintf(out, "    %s\n", text_of(step, "rule"));
	}
	if (!with_header && has_recipient(json_object_get(answer, "steps")))
		fprintf(out, "%-8snot judged, no --from\n", "header");
}
