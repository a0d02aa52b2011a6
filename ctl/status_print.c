/*
 * The layout of `posternctl status`, for any section: the label and the unit of each value come
 * from its key. Owns nothing.
 */
#include "ctl/status_print.h"

#include <string.h>
#include <time.h>

#include "ctl/terminal.h"
#include "lib/base/print.h"
#include "lib/base/text.h"

#define TEXTS_SHOWN 20 /* of an array */
#define LABEL_WIDTH 24
#define LABEL_SIZE 200
#define COUNTS_DEPTH_MAX 8 /* objects within each other */

struct layout {
	FILE *out;
	bool colour;
	int indent;
};

/* The units that the last word of a key can give. */
enum unit { UNIT_NONE, UNIT_BYTES, UNIT_SECONDS, UNIT_TIME };

static enum unit unit_of(const char *key, size_t *len_r)
{
	static const struct {
		const char *ending;
		enum unit unit;
	} endings[] = {
		{ "_bytes", UNIT_BYTES },
		{ "_seconds", UNIT_SECONDS },
		{ "_at", UNIT_TIME },
	};
	const size_t len = strlen(key);

	*len_r = len;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const size_t ending = strlen(endings[i].ending);

		if (len > ending && strcmp(key + len - ending, endings[i].ending) == 0) {
			if (endings[i].unit != UNIT_BYTES)
				*len_r = len - ending;
			return endings[i].unit;
		}
	}
	return UNIT_NONE;
}

/* Make the label of a key: its words, after those of the objects around it. */
static void make_label(char label_r[LABEL_SIZE], const char *before, const char *key)
{
	size_t len, at;

	(void)unit_of(key, &len);
	(void)text_format(label_r, LABEL_SIZE, "%s%s", before, before[0] == '\0' ? "" : "  ");
	at = strlen(label_r);
	(void)text_format(label_r + at, LABEL_SIZE - at, "%.*s", (int)len, key);
	if (strchr(key, '.') == NULL) { /* else it is the name of a file */
		for (char *c = label_r + at; *c != '\0'; c++) {
			if (*c == '_')
				*c = ' ';
		}
	}
}

static void print_label(const struct layout *layout, const char *label)
{
	print_text(layout->out, "%*s%s%*s", layout->indent, "", label,
		(int)strlen(label) < LABEL_WIDTH ? LABEL_WIDTH - (int)strlen(label) : 1, "");
}

static void print_time(FILE *out, long long seconds)
{
	const time_t when = (time_t)seconds;
	char text[40];
	struct tm tm;

	(void)localtime_r(&when, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	print_text(out, "%s", text);
}

static void print_number(FILE *out, long long number, enum unit unit)
{
	if (unit == UNIT_SECONDS)
		terminal_seconds(out, number);
	else if (unit == UNIT_TIME)
		print_time(out, number);
	else
		print_text(out, "%lld", number);
}

static void print_scalar(const struct layout *layout, const char *label, json_t *value,
	enum unit unit)
{
	print_label(layout, label);
	if (json_is_string(value))
		print_text(layout->out, "%s", json_string_value(value));
	else if (json_is_integer(value))
		print_number(layout->out, (long long)json_integer_value(value), unit);
	else if (json_is_boolean(value))
		print_text(layout->out, "%s", json_is_true(value) ? "yes" : "no");
	print_end(layout->out);
}

/* Return the number of problems or notes of a section, including those without a text; 0 for other
 * arrays. */
static size_t count_of(json_t *section, const char *key)
{
	const char *count = strcmp(key, "problems") == 0 ? "problem_count" :
		strcmp(key, "notes") == 0		 ? "note_count" :
							   "";

	return (size_t)json_integer_value(json_object_get(section, count));
}

/* Print the first texts, and the number of the others. `count` is the number of all, including
 * those that the array lacks; 0 if the array has all. */
static void print_texts(const struct layout *layout, const char *label, json_t *texts, size_t count)
{
	const size_t size = json_array_size(texts);
	json_t *text;
	size_t i;

	json_array_foreach (texts, i, text) {
		if (i == TEXTS_SHOWN) {
			print_label(layout, "");
			print_line(layout->out, "and %zu more: see --json%s",
				(count > size ? count : size) - i,
				count > size ? ", which has the first of each file or table" : "");
			break;
		}
		print_scalar(layout, i == 0 ? label : "", text, UNIT_NONE);
	}
}

/* Return whether a value among named counts is printed. */
static bool is_shown(json_t *value)
{
	return !json_is_null(value) && !json_is_object(value) &&
		(!json_is_integer(value) || json_integer_value(value) != 0);
}

/* Print named counts: a line for each count that is not zero, whatever objects it is nested in. */
static void print_counts(const struct layout *layout, const char *label, json_t *counts)
{
	struct {
		json_t *object;
		void *at; /* the next member */
		char label[LABEL_SIZE];
	} levels[COUNTS_DEPTH_MAX + 1];
	size_t depth = 0, len;

	levels[0].object = counts;
	levels[0].at = json_object_iter(counts);
	(void)text_format(levels[0].label, LABEL_SIZE, "%s", label);
	for (;;) {
		const char *key;
		json_t *value;

		if (levels[depth].at == NULL) {
			if (depth-- == 0)
				return;
			continue;
		}
		key = json_object_iter_key(levels[depth].at);
		value = json_object_iter_value(levels[depth].at);
		levels[depth].at = json_object_iter_next(levels[depth].object, levels[depth].at);
		make_label(levels[depth + 1].label, levels[depth].label, key);
		if (json_is_object(value) && depth + 1 < COUNTS_DEPTH_MAX) {
			depth++;
			levels[depth].object = value;
			levels[depth].at = json_object_iter(value);
		} else if (is_shown(value)) {
			print_scalar(layout, levels[depth + 1].label, value, unit_of(key, &len));
		}
	}
}

static void print_section(const struct layout *layout, const char *name, json_t *section)
{
	char label[LABEL_SIZE];
	const char *key;
	json_t *value;
	size_t len;

	print_end(layout->out);
	terminal_word(layout->out, layout->colour, TERMINAL_BOLD, name);
	print_end(layout->out);
	json_object_foreach (section, key, value) {
		make_label(label, "", key);
		if (json_is_object(value))
			print_counts(layout, label, value);
		else if (json_is_array(value))
			print_texts(layout, label, value, count_of(section, key));
		else if (!json_is_null(value))
			print_scalar(layout, label, value, unit_of(key, &len));
	}
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* Print problems or notes, which have this key, with their sections and remedies. */
static void print_faults(const struct layout *layout, json_t *faults, const char *key)
{
	json_t *fault;
	size_t i;

	json_array_foreach (faults, i, fault) {
		print_text(layout->out, "  ");
		terminal_word(layout->out, layout->colour, TERMINAL_BOLD,
			text_of(fault, "section"));
		print_line(layout->out, ": %s", text_of(fault, key));
		print_line(layout->out, "      %s", text_of(fault, "remedy"));
	}
}

/* Print "3 problems" or "1 note". */
static void print_count(const struct layout *layout, enum terminal_colour colour, size_t count,
	const char *noun)
{
	terminal_paint(layout->out, layout->colour, colour);
	print_text(layout->out, "%zu %s%s", count, noun, count == 1 ? "" : "s");
	terminal_paint(layout->out, layout->colour, TERMINAL_OFF);
	print_end(layout->out);
}

static void print_problems_and_notes(const struct layout *layout, json_t *answer)
{
	json_t *problems = json_object_get(answer, "problems");
	json_t *notes = json_object_get(answer, "notes");

	if (json_array_size(problems) == 0) {
		terminal_word(layout->out, layout->colour, TERMINAL_GREEN, "no problems");
		print_end(layout->out);
	} else {
		print_count(layout, TERMINAL_RED, json_array_size(problems), "problem");
	}
	print_faults(layout, problems, "problem");
	if (json_array_size(notes) > 0)
		print_count(layout, TERMINAL_YELLOW, json_array_size(notes), "note");
	print_faults(layout, notes, "note");
}

void status_print(FILE *out, json_t *answer, bool colour)
{
	const struct layout layout = { .out = out, .colour = colour, .indent = 2 };
	const char *name;
	json_t *section;

	print_problems_and_notes(&layout, answer);
	json_object_foreach (answer, name, section) {
		if (json_is_object(section))
			print_section(&layout, name, section);
	}
}
