/*
 * The registry of status sections. It owns copies of the sections, never the objects that they
 * describe. The main thread fills it before the server thread starts; then the server thread alone
 * reads it.
 */
#include "milter/shared/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "milter/log/json_text.h"

#define PROBLEM_SIZE 1024

struct status {
	struct status_section *sections;
	size_t count;
};

struct status_health {
	const char *section;	  /* the one whose health function is running */
	json_t *problems, *notes; /* arrays */
	json_t *last;		  /* of either, borrowed; NULL: none */
	bool failed;		  /* out of memory */
};

struct status *status_new(void)
{
	return calloc(1, sizeof(struct status));
}

void status_free(struct status **status)
{
	struct status *gone = *status;

	*status = NULL;
	if (gone == NULL)
		return;
	free(gone->sections);
	free(gone);
}

int status_register(struct status *status, const struct status_section *section)
{
	struct status_section *sections =
		reallocarray(status->sections, status->count + 1, sizeof(*sections));

	if (sections == NULL)
		return -1;
	sections[status->count++] = *section;
	status->sections = sections;
	return 0;
}

/* Add {"section": ..., KEY: text, "remedy": ...} to the array. Returns the new object, borrowed, or
 * NULL when out of memory. */
static json_t *add_fault(struct status_health *health, json_t *array, const char *key,
	const char *remedy, const char *format, va_list args) __attribute__((format(printf, 5, 0)));

static json_t *add_fault(struct status_health *health, json_t *array, const char *key,
	const char *remedy, const char *format, va_list args)
{
	char text[PROBLEM_SIZE];
	json_t *fault;

	(void)text_vformat(text, sizeof(text), format, args);
	fault = json_pack("{s:s, s:o, s:o}", "section", health->section, key,
		json_text(text, strlen(text)), "remedy", json_text(remedy, strlen(remedy)));
	health->last = json_array_append_new(array, fault) == 0 ? fault : NULL;
	if (health->last == NULL)
		health->failed = true;
	return health->last;
}

void status_add_problem(struct status_health *health, const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)add_fault(health, health->problems, "problem", remedy, format, args);
	va_end(args);
}

void status_add_note(struct status_health *health, const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)add_fault(health, health->notes, "note", remedy, format, args);
	va_end(args);
}

void status_note_put_aside(struct status_health *health, const struct errmsg *put_aside)
{
	if (put_aside->text[0] != '\0')
		status_add_note(health,
			"Find out who changed the file, then remove the one that ends in .bad. A "
			"restart clears this note.",
			"%s", put_aside->text);
}

void status_name_last(struct status_health *health, const char *name)
{
	if (health->last != NULL &&
		json_object_set_new(health->last, "name", json_string(name)) != 0)
		health->failed = true;
}

void status_add_count(struct status_health *health, bool is_note, size_t count, const char *remedy,
	const char *format, ...)
{
	json_t *fault;
	va_list args;

	va_start(args, format);
	fault = add_fault(health, is_note ? health->notes : health->problems,
		is_note ? "note" : "problem", remedy, format, args);
	va_end(args);
	if (fault != NULL &&
		json_object_set_new(fault, "count", json_integer((json_int_t)count)) != 0)
		health->failed = true;
}

json_t *status_describe(const struct status *status)
{
	json_t *sections = json_object();

	for (size_t i = 0; i < status->count; i++) {
		const struct status_section *section = &status->sections[i];

		if (json_object_set_new(sections, section->name,
			    section->describe(section->context)) != 0) {
			json_decref(sections);
			return NULL;
		}
	}
	return sections;
}

/* Return the notes or the problems of all sections. */
static json_t *ask_sections(const struct status *status, bool notes)
{
	struct status_health health = { .problems = json_array(), .notes = json_array() };

	for (size_t i = 0; i < status->count; i++) {
		const struct status_section *section = &status->sections[i];

		health.section = section->name;
		if (section->health != NULL)
			section->health(section->context, &health);
	}
	json_decref(notes ? health.problems : health.notes);
	if (!health.failed)
		return notes ? health.notes : health.problems;
	json_decref(notes ? health.notes : health.problems);
	return NULL;
}

json_t *status_problems(const struct status *status)
{
	return ask_sections(status, false);
}

json_t *status_notes(const struct status *status)
{
	return ask_sections(status, true);
}
