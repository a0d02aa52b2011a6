/*
 * The report of an import: what became of each line of the old configuration. Owns its lines.
 * t/integration/test_import_haraka.py covers it.
 */
#include "ctl/import_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/terminal.h"
#include "lib/base/print.h"
#include "lib/base/strbuf.h"
#include "lib/base/visible.h"

static const char *const result_words[IMPORT_RESULTS] = {
	[IMPORT_TAKEN] = "taken",
	[IMPORT_CHANGED] = "changed",
	[IMPORT_REFUSED] = "not taken",
	[IMPORT_OTHER] = "other",
};

/* JSON needs UTF-8, which the old files may not be. */
static json_t *visible_string(const char *text)
{
	struct strbuf shown = STRBUF_INIT;
	json_t *string;

	visible_add(&shown, text, strlen(text));
	string = json_string(shown.failed || shown.text == NULL ? "" : shown.text);
	strbuf_free(&shown);
	return string;
}

void import_report_add(struct import_report *report, enum import_result result, const char *file,
	unsigned line, const char *format, ...)
{
	struct strbuf text = STRBUF_INIT;
	json_t *entry;
	va_list args;

	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	if (report->lines == NULL)
		report->lines = json_array();
	entry = json_pack("{s:o, s:i, s:s, s:o}", "file", visible_string(file), "line", (int)line,
		"result", result_words[result], "text",
		visible_string(text.failed || text.text == NULL ? "" : text.text));
	if (text.failed || entry == NULL || json_array_append_new(report->lines, entry) != 0)
		report->failed = true;
	strbuf_free(&text);
	report->counts[result]++;
}

void import_report_clear(struct import_report *report)
{
	json_decref(report->lines);
	*report = (struct import_report){ .lines = NULL };
}

static enum terminal_colour colour_of(const char *result)
{
	if (strcmp(result, result_words[IMPORT_REFUSED]) == 0)
		return TERMINAL_RED;
	if (strcmp(result, result_words[IMPORT_CHANGED]) == 0)
		return TERMINAL_YELLOW;
	return strcmp(result, result_words[IMPORT_TAKEN]) == 0 ? TERMINAL_GREEN : TERMINAL_DIM;
}

void import_report_print(const struct import_report *report, bool colour)
{
	const json_t *entry;
	const char *result;
	size_t i;
	int line;

	json_array_foreach (report->lines, i, entry) {
		line = (int)json_integer_value(json_object_get(entry, "line"));
		result = json_string_value(json_object_get(entry, "result"));
		print_text(stdout, "%s:", json_string_value(json_object_get(entry, "file")));
		if (line > 0)
			print_text(stdout, "%d:", line);
		print_text(stdout, " ");
		terminal_word(stdout, colour, colour_of(result), result);
		print_line(stdout, ": %s", json_string_value(json_object_get(entry, "text")));
	}
	print_line(stdout, "%zu taken, %zu changed, %zu not taken, %zu other",
		report->counts[IMPORT_TAKEN], report->counts[IMPORT_CHANGED],
		report->counts[IMPORT_REFUSED], report->counts[IMPORT_OTHER]);
}
