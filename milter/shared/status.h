#ifndef POSTERN_STATUS_H
#define POSTERN_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * The daemon's status, in sections. Each room registers a section for what it owns: a name, a
 * function that describes it as a JSON object, and a function that reports its problems. Renderers
 * (the control socket's `status` command) print all sections and know none of them by name.
 *
 * Keys and values of a description: numbers are JSON numbers. A key ends in the unit of its value:
 * _bytes, _seconds (a duration) or _at (a time in seconds since 1970; null: never). A number
 * without a unit is a count. null also replaces text that does not exist, such as the last error
 * when there was none. Nested objects are named counts or parts of the section.
 *
 * Threads: sections are registered before the server thread starts. From then on the registry does
 * not change, and its functions, like those of the sections, are called on the server thread alone.
 */
struct status;

/* The problems and notes that the sections report; filled by status_problems() and
 * status_notes(). */
struct status_health;

struct status_section {
	const char *name; /* lower case, unique; static */
	void *context;	  /* of both functions; outlives the registry's last use */

	/* Return a new JSON object, or NULL when out of memory. Must not wait. */
	json_t *(*describe)(void *context);

	/*
	 * Call status_add_problem() or status_add_note() for everything that lasts until somebody
	 * acts. NULL: the section reports nothing of this kind. Must not wait.
	 */
	void (*health)(void *context, struct status_health *health);
};

struct status *status_new(void);	  /* NULL when out of memory */
void status_free(struct status **status); /* accepts NULL */

/*
 * Add a section (copied). Sections are shown in the order of the calls. Returns 0, or -1 when out
 * of memory.
 */
int status_register(struct status *status, const struct status_section *section);

/* The remedy for a disk that hangs, before what Postern does then. */
#define STATUS_REPAIR_DISK \
	"Repair the disk or the file system, or its server, or unmount it by force."

/*
 * Report a problem (a rule, a file or a count is not in force as written) or a note (everything is
 * in force, but may be a mistake) from a section's health function: its description (format as
 * printf, at most 1023 bytes, without a final full stop) and its remedy, in sentences. Both are one
 * line each and may contain text from outside.
 */
void status_add_problem(struct status_health *health, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void status_add_note(struct status_health *health, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Add a note about a file that was renamed to PATH.bad, unless its text is empty. */
void status_note_put_aside(struct status_health *health, const struct errmsg *put_aside);

/*
 * Give the problem or note that was added last a name by which programs know it: lower case, static
 * ("feed_incomplete"). posternctl doctor has commands for some.
 */
void status_name_last(struct status_health *health, const char *name);

/* The same for one text about `count` problems or notes, each of which the section's description
 * contains. */
void status_add_count(struct status_health *health, bool is_note, size_t count, const char *remedy,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * Return all descriptions: {"NAME": {...}, ...}. Returns a new reference, or NULL when out of
 * memory.
 */
json_t *status_describe(const struct status *status);

/*
 * Return all problems, [{"section": "NAME", "problem": "...", "remedy": "..."}, ...], or all notes,
 * with "note" in place of "problem"; empty when there are none. One that only counts the
 * entries that its section lists has the member "count", too, and one with a name the member
 * "name". Returns a new reference, or NULL when out of memory.
 */
json_t *status_problems(const struct status *status);
json_t *status_notes(const struct status *status);

#endif
