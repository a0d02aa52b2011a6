/*
 * The report of posternctl doctor: findings in the order of their harm, with cures, and what could
 * not be examined. Owns the report. t/unit/test_doctor.c covers it.
 */
#include "ctl/doctor/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/paste_quote.h"
#include "lib/base/strbuf.h"
#include "lib/base/visible.h"

static const struct {
	const char *word, *heading;
} harms[DOCTOR_HARMS] = {
	[DOCTOR_MAIL] = { "mail", "Everybody's mail or logins are refused, or wrongly accepted" },
	[DOCTOR_SECURITY] = { "security", "Security" },
	[DOCTOR_NO_EFFECT] = { "no-effect", "Rules and settings that have no effect" },
	[DOCTOR_SOON] = { "soon", "Likely to fail soon" },
	[DOCTOR_ADVICE] = { "advice", "Advice" },
};

/* A finding is a JSON object that belongs to the report's array of its harm. */
struct doctor_finding {
	json_t *object; /* borrowed */
	bool *failed;	/* that of the report */
};

struct doctor_report {
	const char *subject;
	json_t *findings[DOCTOR_HARMS], *unexamined;
	struct doctor_finding last; /* the finding that is being made */
	bool failed;
};

const char *doctor_harm_word(enum doctor_harm harm)
{
	return harms[harm].word;
}

const char *doctor_harm_heading(enum doctor_harm harm)
{
	return harms[harm].heading;
}

struct doctor_report *doctor_report_new(void)
{
	struct doctor_report *report = calloc(1, sizeof(*report));

	if (report == NULL)
		return NULL;
	report->subject = "";
	report->unexamined = json_array();
	report->failed = report->unexamined == NULL;
	for (int harm = 0; harm < DOCTOR_HARMS; harm++) {
		report->findings[harm] = json_array();
		report->failed = report->failed || report->findings[harm] == NULL;
	}
	if (report->failed)
		doctor_report_free(&report);
	return report;
}

void doctor_report_free(struct doctor_report **report)
{
	if (*report == NULL)
		return;
	for (int harm = 0; harm < DOCTOR_HARMS; harm++)
		json_decref((*report)->findings[harm]);
	json_decref((*report)->unexamined);
	free(*report);
	*report = NULL;
}

void doctor_report_begin(struct doctor_report *report, const char *subject)
{
	report->subject = subject;
}

bool doctor_report_failed(const struct doctor_report *report)
{
	return report->failed;
}

/* Set a member to visible text. */
static void set_text(json_t *object, const char *key, const char *text, bool *failed)
{
	struct strbuf visible = STRBUF_INIT;

	visible_add(&visible, text, strlen(text));
	if (visible.failed ||
		json_object_set_new(object, key,
			json_string(visible.text == NULL ? "" : visible.text)) != 0)
		*failed = true;
	strbuf_free(&visible);
}

static void set_format(json_t *object, const char *key, bool *failed, const char *format,
	va_list args) __attribute__((format(printf, 4, 0)));

static void set_format(json_t *object, const char *key, bool *failed, const char *format,
	va_list args)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_vaddf(&text, format, args);
	if (text.failed)
		*failed = true;
	else
		set_text(object, key, text.text == NULL ? "" : text.text, failed);
	strbuf_free(&text);
}

/* Append a new object with the present subject to an array. NULL when out of memory. */
static json_t *append_object(struct doctor_report *report, json_t *array)
{
	json_t *object = json_pack("{s:s}", "subject", report->subject);

	if (object == NULL || json_array_append_new(array, object) != 0) {
		report->failed = true;
		return NULL;
	}
	return object;
}

struct doctor_finding *doctor_find(const struct doctor *doctor, enum doctor_harm harm,
	const char *format, ...)
{
	struct doctor_report *report = doctor->report;
	struct doctor_finding *finding = &report->last;
	va_list args;

	finding->failed = &report->failed;
	if ((finding->object = append_object(report, report->findings[harm])) == NULL)
		return NULL;
	set_text(finding->object, "harm", harms[harm].word, finding->failed);
	va_start(args, format);
	set_format(finding->object, "problem", finding->failed, format, args);
	va_end(args);
	set_text(finding->object, "effect", "", finding->failed);
	set_text(finding->object, "cure", "", finding->failed);
	if (json_object_set_new(finding->object, "commands", json_array()) != 0)
		report->failed = true;
	return finding;
}

void doctor_effect(struct doctor_finding *finding, const char *format, ...)
{
	va_list args;

	if (finding == NULL)
		return;
	va_start(args, format);
	set_format(finding->object, "effect", finding->failed, format, args);
	va_end(args);
}

void doctor_cure(struct doctor_finding *finding, const char *format, ...)
{
	va_list args;

	if (finding == NULL)
		return;
	va_start(args, format);
	set_format(finding->object, "cure", finding->failed, format, args);
	va_end(args);
}

static void add_command(struct doctor_finding *finding, const char *language, const char *text)
{
	json_t *commands = json_object_get(finding->object, "commands");

	if (json_array_append_new(commands, json_pack("{s:s}", language, text)) != 0)
		*finding->failed = true;
}

void doctor_shell(struct doctor_finding *finding, const char *word, ...)
{
	struct strbuf line = STRBUF_INIT;
	bool can_quote = true;
	va_list args;

	if (finding == NULL)
		return;
	va_start(args, word);
	for (; word != NULL; word = va_arg(args, const char *)) {
		if (line.len > 0)
			strbuf_add_char(&line, ' ');
		can_quote = paste_quote_shell(&line, word) == 0 && can_quote;
	}
	va_end(args);
	if (line.failed)
		*finding->failed = true;
	else if (can_quote)
		add_command(finding, "shell", line.text);
	strbuf_free(&line);
}

static void add_format(struct doctor_finding *finding, const char *language, const char *format,
	va_list args) __attribute__((format(printf, 3, 0)));

static void add_format(struct doctor_finding *finding, const char *language, const char *format,
	va_list args)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_vaddf(&line, format, args);
	if (line.failed || line.text == NULL)
		*finding->failed = true;
	else
		add_command(finding, language, line.text);
	strbuf_free(&line);
}

void doctor_shell_line(struct doctor_finding *finding, const char *format, ...)
{
	va_list args;

	if (finding == NULL)
		return;
	va_start(args, format);
	add_format(finding, "shell", format, args);
	va_end(args);
}

void doctor_sql(struct doctor_finding *finding, const char *format, ...)
{
	va_list args;

	if (finding == NULL)
		return;
	va_start(args, format);
	add_format(finding, "sql", format, args);
	va_end(args);
}

void doctor_unexamined(const struct doctor *doctor, const char *why, const char *format, ...)
{
	struct doctor_report *report = doctor->report;
	json_t *object = append_object(report, report->unexamined);
	va_list args;

	if (object == NULL)
		return;
	va_start(args, format);
	set_format(object, "what", &report->failed, format, args);
	va_end(args);
	set_text(object, "why", why, &report->failed);
}

size_t doctor_report_count(const struct doctor_report *report, enum doctor_harm harm)
{
	return json_array_size(report->findings[harm]);
}

size_t doctor_report_unexamined(const struct doctor_report *report)
{
	return json_array_size(report->unexamined);
}

json_t *doctor_report_json(const struct doctor_report *report)
{
	json_t *findings = json_array(), *json;

	for (int harm = 0; harm < DOCTOR_HARMS; harm++) {
		if (json_array_extend(findings, report->findings[harm]) != 0) {
			json_decref(findings);
			return NULL;
		}
	}
	json = json_pack("{s:o, s:O}", "findings", findings, "unexamined", report->unexamined);
	return json;
}

bool doctor_has_policy(const struct doctor *doctor)
{
	const json_t *policy = json_object_get(json_object_get(doctor->status, "cache"), "policy");

	return json_integer_value(json_object_get(policy, "serial")) > 0;
}

bool doctor_status_has(const struct doctor *doctor, const char *text)
{
	static const char *const levels[] = { "problem", "note" };
	static const char *const arrays[] = { "problems", "notes" };

	for (size_t level = 0; level < 2; level++) {
		const json_t *array = json_object_get(doctor->status, arrays[level]);

		for (size_t i = 0; i < json_array_size(array); i++) {
			const char *other = json_string_value(
				json_object_get(json_array_get(array, i), levels[level]));

			if (other != NULL && strstr(other, text) != NULL)
				return true;
		}
	}
	return false;
}
