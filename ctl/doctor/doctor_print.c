/*
 * Prints the report of posternctl doctor for people: the worst findings first, with commands that
 * can be pasted. Owns nothing. t/unit/test_doctor_print.c covers it.
 */
#include "ctl/doctor/doctor_print.h"

#include <string.h>

#include "ctl/command.h"
#include "ctl/doctor/doctor.h"
#include "ctl/terminal.h"
#include "lib/base/print.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* Print each command on a line of its own, after its language. */
static void print_commands(FILE *out, const json_t *commands)
{
	const char *last = "";

	for (size_t i = 0; i < json_array_size(commands); i++) {
		const json_t *command = json_array_get(commands, i);
		const char *language = json_object_get(command, "sql") != NULL ? "sql" : "shell";

		if (strcmp(language, last) != 0)
			print_line(out,
				"      %s:", strcmp(language, "sql") == 0 ? "In psql, run" : "Run");
		last = language;
		print_line(out, "          %s", text_of(command, language));
	}
}

static void print_finding(FILE *out, const json_t *finding, bool colour)
{
	print_text(out, "  ");
	terminal_word(out, colour, TERMINAL_BOLD, text_of(finding, "subject"));
	print_line(out, ": %s", text_of(finding, "problem"));
	if (text_of(finding, "effect")[0] != '\0')
		print_line(out, "      %s", text_of(finding, "effect"));
	if (text_of(finding, "cure")[0] != '\0')
		print_line(out, "      %s", text_of(finding, "cure"));
	print_commands(out, json_object_get(finding, "commands"));
}

static size_t count_harm(const json_t *findings, enum doctor_harm harm)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(findings); i++)
		count += strcmp(text_of(json_array_get(findings, i), "harm"),
				 doctor_harm_word(harm)) == 0;
	return count;
}

static void print_harm(FILE *out, const json_t *findings, enum doctor_harm harm, bool colour)
{
	static const enum terminal_colour colours[] = {
		[DOCTOR_MAIL] = TERMINAL_RED,
		[DOCTOR_SECURITY] = TERMINAL_RED,
		[DOCTOR_NO_EFFECT] = TERMINAL_RED,
		[DOCTOR_SOON] = TERMINAL_YELLOW,
		[DOCTOR_ADVICE] = TERMINAL_YELLOW,
	};

	if (count_harm(findings, harm) == 0)
		return;
	print_end(out);
	terminal_word(out, colour, colours[harm], doctor_harm_heading(harm));
	print_end(out);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		if (strcmp(text_of(json_array_get(findings, i), "harm"), doctor_harm_word(harm)) ==
			0)
			print_finding(out, json_array_get(findings, i), colour);
	}
}

static void print_summary(FILE *out, const json_t *report, bool colour)
{
	const json_t *findings = json_object_get(report, "findings");
	const size_t advice = count_harm(findings, DOCTOR_ADVICE);
	const size_t problems = json_array_size(findings) - advice;
	const size_t unexamined = json_array_size(json_object_get(report, "unexamined"));

	terminal_paint(out, colour, problems > 0 ? TERMINAL_RED : TERMINAL_GREEN);
	if (problems == 0)
		print_text(out, "no problem was found");
	else
		print_text(out, "%zu problem%s", problems, command_s((long long)problems));
	terminal_paint(out, colour, TERMINAL_OFF);
	if (advice > 0)
		print_text(out, ", %zu piece%s of advice", advice, command_s((long long)advice));
	if (unexamined > 0)
		print_text(out, "; %zu %s not be examined", unexamined,
			unexamined == 1 ? "matter could" : "matters could");
	print_end(out);
}

void doctor_print(FILE *out, const json_t *report, bool colour)
{
	const json_t *findings = json_object_get(report, "findings");
	const json_t *unexamined = json_object_get(report, "unexamined");

	print_summary(out, report, colour);
	for (int harm = 0; harm < DOCTOR_HARMS; harm++)
		print_harm(out, findings, (enum doctor_harm)harm, colour);
	if (json_array_size(unexamined) == 0)
		return;
	print_end(out);
	terminal_word(out, colour, TERMINAL_YELLOW, "Not examined");
	print_end(out);
	for (size_t i = 0; i < json_array_size(unexamined); i++) {
		const json_t *matter = json_array_get(unexamined, i);

		print_text(out, "  ");
		terminal_word(out, colour, TERMINAL_BOLD, text_of(matter, "subject"));
		print_line(out, ": %s", text_of(matter, "what"));
		print_line(out, "      %s", text_of(matter, "why"));
	}
}
