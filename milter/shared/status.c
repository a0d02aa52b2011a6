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
	const char *section; /* the one whose health function is running */
	json_t *problems;    /* an array */
	bool failed;	     /* out of memory */
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

void status_add_problem(struct status_health *health, const char *remedy, const char *format, ...)
{
	char problem[PROBLEM_SIZE];
	va_list args;

	va_start(args, format);
	(void)text_vformat(problem, sizeof(problem), format, args);
	va_end(args);
	if (json_array_append_new(health->problems,
		    json_pack("{s:s, s:o, s:o}", "section", health->section, "problem",
			    json_text(problem, strlen(problem)), "remedy",
			    json_text(remedy, strlen(remedy)))) != 0)
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

json_t *status_problems(const struct status *status)
{
	struct status_health health = { .problems = json_array() };

	for (size_t i = 0; i < status->count; i++) {
		const struct status_section *section = &status->sections[i];

		health.section = section->name;
		if (section->health != NULL)
			section->health(section->context, &health);
	}
	if (health.failed) {
		json_decref(health.problems);
		return NULL;
	}
	return health.problems;
}
